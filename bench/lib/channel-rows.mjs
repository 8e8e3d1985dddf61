// What is measured of channels (@pulsebeacon/hub), and what is promised of it. As in rows.mjs, but each row names its peers
// and has a target for each of them; `absolute` is a target for ours alone.
//
// kind: 'recovery' everybody returns at once, and is given what was missed; value: seconds until the last has it all
//       'deliveries' many clients in one process follow a channel; value: publications delivered to them a second
//       'first'    one client after the other; value: milliseconds from nothing to its first message (median)
//       'store'    publications of one process into a store, so many under way; value: acknowledged a second
const SIZE = 64;
const fanout = (subscribers, depth) => ['fanout', '--conns', subscribers, '--size', SIZE, '--depth', depth].map(String);
const channel = (row) => ({ ours: 'hub', args: [], mode: 'fanout', load: [], ...row });

export const CHANNEL_ROWS = [
  channel({
    id: 'hub-fanout8',
    title: 'channel: fan-out to 1,000, 8 publications in flight',
    kind: 'load',
    unit: 'msg/s',
    load: fanout(1000, 8),
    targets: [
      { peer: 'socketio', atLeast: 6 },
      { peer: 'nchan', atLeast: 3 },
      { peer: 'pulsebeacon', atLeast: 0.8 },
    ],
  }),
  channel({
    id: 'hub-publish',
    title: 'channel: publications by one WebSocket, 64 in flight, 1 subscriber',
    kind: 'load',
    unit: 'msg/s',
    load: fanout(1, 64),
    targets: [{ peer: 'socketio', atLeast: 4 }],
  }),
  channel({
    id: 'hub-post',
    title: 'channel: publications by POST, 16 connections, 1 subscriber',
    kind: 'load',
    unit: 'msg/s',
    mode: 'post',
    load: ['http', '--conns', '16', '--size', String(SIZE), '--depth', '1'],
    targets: [{ peer: 'post', atLeast: 0.7 }],
  }),
  channel({
    id: 'hub-recovery',
    title: 'channel: 5,000 return at once, 300 missed publications each',
    kind: 'recovery',
    unit: 's',
    clients: 5_000,
    missed: 300,
    size: SIZE,
    targets: [],
    absolute: { atMostValue: 5, unit: 's' },
  }),
  channel({
    id: 'hub-memory',
    title: 'channel: memory per idle subscriber, after a GC',
    kind: 'memory',
    unit: 'B',
    mode: 'echo',
    collect: true,
    targets: [{ peer: 'socketio', atMost: 0.6 }],
  }),
  channel({
    id: 'hub-clients',
    title: 'channel: 200 clients in one process, 64 publications in flight',
    kind: 'deliveries',
    unit: 'msg/s',
    deliver: { clients: 200, depth: 64, size: SIZE },
    targets: [{ peer: 'socketio', atLeast: 3 }],
  }),
  channel({
    id: 'hub-first',
    title: 'channel: from new Beacon() to the first message',
    kind: 'first',
    unit: 'ms',
    first: { times: 200, size: SIZE },
    targets: [{ peer: 'bare', atMost: 1.3 }, { peer: 'bare-channel' }],
  }),
  channel({
    id: 'hub-lmdb',
    title: 'LMDB: publications with grouped fsync, 256 in flight',
    kind: 'store',
    unit: 'msg/s',
    args: ['--store', 'lmdb'],
    publish: { inFlight: 256, size: SIZE },
    targets: [],
    absolute: { atLeastValue: 20_000, unit: 'msg/s' },
  }),
];
