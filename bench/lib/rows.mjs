// What is measured, and what is promised of it. `load` is the load generator's own command line.
//
// kind: 'load'      windows of a closed loop; value: messages (deliveries) a second; CPU a message
//       'handshake' many connections opened at once; value: connections a second; CPU a connection
//       'memory'    slope of the server's anonymous memory between two numbers of connections; value: bytes
//       'client-load', 'client-opens', 'client-memory': the same of a client, against a server of ours on the other core
// target: { atLeast } and { atMost } are ratios ours : ws; { atMostValue } is ours alone.
// The rows of channels, with kinds and targets of their own, are in channel-rows.mjs.

import { CHANNEL_ROWS } from './channel-rows.mjs';

const echo = (conns, size, depth, ...more) =>
  ['echo', '--conns', conns, '--size', size, '--depth', depth, ...more].map(String);
const fanout = (depth) => ['fanout', '--conns', '1000', '--size', '64', '--depth', String(depth)];
const json = ['--payload', 'json', '--compress'];

export const MEMORY_FROM = 5_000;
export const MEMORY_TO = 15_000;

export const ROWS = [
  {
    id: 'echo1',
    title: 'echo, 64 × 64 B, 1 in flight',
    kind: 'load',
    unit: 'msg/s',
    mode: 'echo',
    load: echo(64, 64, 1),
    target: { atLeast: 1.35 },
  },
  {
    id: 'echo16',
    title: 'echo, 64 × 64 B, 16 in flight',
    kind: 'load',
    unit: 'msg/s',
    mode: 'echo',
    load: echo(64, 64, 16),
    target: { atLeast: 9 },
  },
  {
    id: 'echo16-borrowed',
    title: 'echo, 64 × 64 B, 16 in flight, borrowed data',
    kind: 'load',
    unit: 'msg/s',
    mode: 'echo',
    ours: ['--receive', 'borrowed'],
    peers: ['ws'],
    load: echo(64, 64, 16),
    target: { atLeast: 12 },
  },
  {
    id: 'echo16k',
    title: 'echo, 16 × 16 KiB binary, 1 in flight',
    kind: 'load',
    unit: 'msg/s',
    mode: 'echo',
    load: echo(16, 16384, 1, '--binary'),
    target: { atLeast: 4 },
  },
  {
    id: 'fanout1',
    title: 'fan-out to 1,000, 1 publication in flight',
    kind: 'load',
    unit: 'msg/s',
    mode: 'fanout',
    load: fanout(1),
    target: { atLeast: 1.25 },
  },
  {
    id: 'fanout8',
    title: 'fan-out to 1,000, 8 publications in flight',
    kind: 'load',
    unit: 'msg/s',
    mode: 'fanout',
    load: fanout(8),
    target: { atLeast: 8 },
  },
  {
    id: 'deflate',
    title: 'deflate echo, 64 × 1 KiB JSON, 4 in flight',
    kind: 'load',
    unit: 'msg/s',
    mode: 'deflate',
    load: echo(64, 1024, 4, ...json),
    target: { atLeast: 2.5 },
  },
  {
    id: 'deflate-takeover',
    title: 'deflate echo, the same with context takeover',
    kind: 'load',
    unit: 'msg/s',
    mode: 'deflate',
    takeover: true,
    load: echo(64, 1024, 4, ...json),
    target: { atLeast: 2.5 },
  },
  {
    id: 'memory',
    title: 'memory per idle connection, after a GC',
    kind: 'memory',
    unit: 'B',
    mode: 'echo',
    collect: true,
    load: [],
    target: { atMost: 0.65 },
  },
  {
    id: 'memory-nogc',
    title: 'memory per idle connection, as it stands',
    kind: 'memory',
    unit: 'B',
    mode: 'echo',
    collect: false,
    load: [],
    target: { atMost: 0.65 },
  },
  {
    id: 'memory-deflate',
    title: 'memory after 3 compressed messages, after a GC',
    kind: 'memory',
    unit: 'B',
    mode: 'deflate',
    collect: true,
    load: ['--touch', '3', '--size', '1024', ...json],
    target: { atMostValue: 12 * 1024 },
  },
  {
    id: 'memory-deflate-nogc',
    title: 'memory after 3 compressed messages, as it stands',
    kind: 'memory',
    unit: 'B',
    mode: 'deflate',
    collect: false,
    load: ['--touch', '3', '--size', '1024', ...json],
    target: { atMostValue: 12 * 1024 },
  },
  {
    id: 'handshake',
    title: 'handshakes (14,000, 64 at a time)',
    kind: 'handshake',
    unit: 'conn/s',
    mode: 'echo',
    load: ['idle', '--conns', '14000', '--hold', '0'],
    target: { atLeast: 1.15 },
  },
  {
    id: 'client1',
    title: 'client, 64 × 64 B, 1 in flight',
    kind: 'client-load',
    unit: 'msg/s',
    echo: { connections: 64, size: 64, depth: 1 },
    peers: ['ws'],
    target: { atLeast: 1.3 },
  },
  {
    id: 'client16',
    title: 'client, 64 × 64 B, 16 in flight',
    kind: 'client-load',
    unit: 'msg/s',
    echo: { connections: 64, size: 64, depth: 16 },
    peers: ['ws'],
    target: { atLeast: 6 },
  },
  {
    id: 'client16k',
    title: 'client, 16 × 16 KiB binary, 1 in flight',
    kind: 'client-load',
    unit: 'msg/s',
    echo: { connections: 16, size: 16384, depth: 1, binary: true },
    peers: ['ws'],
    target: { atLeast: 3 },
  },
  {
    id: 'client-memory',
    title: 'client, memory per idle connection, after a GC',
    kind: 'client-memory',
    unit: 'B',
    collect: true,
    peers: ['ws'],
    target: { atMost: 0.7 },
  },
  {
    id: 'client-opens',
    title: 'client, connections opened (8,000, 64 at a time)',
    kind: 'client-opens',
    unit: 'conn/s',
    opens: 8_000,
    peers: ['ws'],
    target: { atLeast: 1.1 },
  },
  {
    id: 'http',
    title: 'WebSocket echo : node:http POST echo, 64 × 64 B',
    kind: 'load',
    unit: 'msg/s',
    mode: 'echo',
    peers: ['ws', 'http'],
    load: echo(64, 64, 1),
    target: null,
  },
  ...CHANNEL_ROWS,
];
