import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import tls from 'node:tls';
import { acceptProxied, type ProxyRefusedEvent } from '#dist/node/accept-proxied.js';
import { proxiedPeerOf } from '#dist/node/proxied-peers.js';
import { TrustedProxies } from '#dist/node/trusted-proxies.js';
import { TLS } from '../support/certificate.ts';

const V1 = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n';
const V2 = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000201c6336402501f01bb', 'hex');
const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

interface Served {
  readonly port: number;
  readonly refused: ProxyRefusedEvent[];
  readonly onceRefused: Promise<unknown>;
  readonly cut: () => void;
}

/** A server that answers with who is there, as the PROXY protocol says. */
async function serve(t: TestContext, peers: readonly string[], secure = false): Promise<Served> {
  const handle: http.RequestListener = ({ socket }, response) => {
    const peer = proxiedPeerOf(socket);
    response.end(peer === undefined ? 'nobody' : `${peer.address} ${peer.port}`);
  };
  const server = secure ? https.createServer(TLS, handle) : http.createServer(handle);
  const refused: ProxyRefusedEvent[] = [];
  let tell!: (value: unknown) => void;
  const onceRefused = new Promise((resolve) => (tell = resolve));
  const cut = acceptProxied(server, new TrustedProxies({ peers, proxyProtocol: true }), (event) => {
    refused.push(event);
    tell(event);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    cut();
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, refused, onceRefused, cut };
}

async function answer(socket: net.Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text.split('\r\n\r\n')[1] ?? text;
}

/** What the server answers to these pieces, each written for itself. */
async function ask(port: number, ...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve));
  return answer(socket);
}

describe('a server behind the PROXY protocol', () => {
  for (const [name, ...pieces] of [
    ['version 1', V1 + GET],
    ['version 2', V2, GET],
    ['in pieces', V1.slice(0, 10), V1.slice(10), GET.slice(0, 3), GET.slice(3)],
    ['version 2 with the request in one piece', Buffer.concat([V2, Buffer.from(GET)])],
  ] as const) {
    test(`knows who is there: ${name}`, async (t) => {
      const { port } = await serve(t, ['loopback']);
      assert.match(await ask(port, ...pieces), /192\.0\.2\.1 (56324|20511)/);
    });
  }

  test('a check of the proxy itself is nobody', async (t) => {
    const { port } = await serve(t, ['127.0.0.1/32']);
    assert.match(await ask(port, 'PROXY UNKNOWN\r\n', GET), /nobody/);
  });

  test('each connection of a Unix socket has its own, though their addresses are the same', async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-proxied-'));
    const server = http.createServer(({ socket }, response) => response.end(proxiedPeerOf(socket)?.address));
    acceptProxied(server, new TrustedProxies({ peers: ['unix'], proxyProtocol: true }));
    const where = path.join(folder, 'socket');
    server.listen(where);
    await once(server, 'listening');
    t.after(async () => {
      server.close();
      await rm(folder, { recursive: true });
    });
    const sockets: net.Socket[] = [];
    for (const last of [1, 2]) {
      const socket = net.connect(where);
      const accepted = once(server, 'connection');
      socket.write(`PROXY TCP4 192.0.2.${last} 198.51.100.2 1 443\r\n${GET.slice(0, 5)}`);
      await accepted;
      sockets.push(socket);
    }
    // The later one has said who it is before the first one asks.
    sockets[1]!.write(GET.slice(5));
    assert.match(await answer(sockets[1]!), /192\.0\.2\.2/);
    sockets[0]!.write(GET.slice(5));
    assert.match(await answer(sockets[0]!), /192\.0\.2\.1/);
  });

  test('TLS comes behind it', async (t) => {
    const { port } = await serve(t, ['127.0.0.1'], true);
    const raw = net.connect(port, '127.0.0.1');
    raw.write(V1);
    const socket = tls.connect({ socket: raw, rejectUnauthorized: false });
    socket.write(GET);
    assert.match(await answer(socket), /192\.0\.2\.1 56324/);
  });

  test('whoever is no proxy of ours is cut off', async (t) => {
    const { port, refused, onceRefused } = await serve(t, ['10.0.0.0/8']);
    const socket = net.connect(port, '127.0.0.1');
    await Promise.all([onceRefused, once(socket, 'close')]);
    assert.deepEqual(refused, [
      { remoteAddress: '127.0.0.1', reason: 'it is no trusted proxy, and this port is for those' },
    ]);
  });

  test('a request without the header is not served', async (t) => {
    const { port, refused, onceRefused } = await serve(t, ['loopback']);
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(GET);
    await onceRefused;
    assert.match(refused[0]!.reason, /^no PROXY header: it begins with neither/);
  });

  test('one that closes early, and one that is cut when the server closes', async (t) => {
    const { port, refused, onceRefused, cut } = await serve(t, ['loopback']);
    const early = net.connect(port, '127.0.0.1');
    early.end('PROXY ');
    early.resume();
    await onceRefused;
    assert.match(refused[0]!.reason, /ended before/);
    const waiting = net.connect(port, '127.0.0.1');
    waiting.write('PROXY ');
    await once(waiting, 'connect');
    const closed = once(waiting, 'close');
    // The server has to have seen it.
    await ask(port, V1, GET);
    cut();
    await closed;
  });

  test('one that takes its time is cut off', async (t) => {
    let passed = 0;
    const now = performance.now.bind(performance);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    t.mock.method(performance, 'now', () => now() + passed);
    const { port, refused, onceRefused } = await serve(t, ['loopback']);
    const slow = net.connect(port, '127.0.0.1');
    slow.on('error', () => {});
    slow.write('PROXY ');
    await once(slow, 'connect');
    await ask(port, V1, GET);
    passed = 10_000;
    t.mock.timers.tick(passed);
    await onceRefused;
    assert.match(refused[0]!.reason, /did not arrive in time/);
  });
});
