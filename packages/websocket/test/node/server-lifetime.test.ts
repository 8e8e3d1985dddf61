import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { WebSocketServer } from '@pulsebeacon/websocket';
import { TLS } from '../support/certificate.ts';
import { handshake, RawClient } from '../support/raw-client.ts';
import { listen, Log, logged, serve } from '../support/servers.ts';

const local = { port: 0, host: '127.0.0.1' };

describe('listen', () => {
  test('on a free port says which', async () => {
    const server = new WebSocketServer();
    const address = (await server.listen(local)) as net.AddressInfo;
    assert.deepEqual([address.address, address.family, address.port > 0], ['127.0.0.1', 'IPv4', true]);
    await server.close();
  });

  test('on a port alone, of all addresses', async () => {
    const server = new WebSocketServer();
    const address = (await server.listen(0)) as net.AddressInfo;
    assert.ok(['::', '0.0.0.0'].includes(address.address));
    await server.close();
  });

  test('over TLS', async (t) => {
    const secure: boolean[] = [];
    const { open } = await serve(
      t,
      {
        open: (connection) => void secure.push(connection.secure),
        message: (connection, data) => void connection.send(data),
      },
      { ...local, tls: TLS },
    );
    const client = await open();
    for (const size of [5, 100_000, 1_000_000]) {
      client.sendText('x'.repeat(size));
      assert.equal((await client.readFrame())!.payload.length, size);
    }
    client.sendClose(1000);
    assert.deepEqual(await client.rest(), ['close 1000 ""']);
    assert.deepEqual(secure, [true]);
  });

  test('over TLS: what came before the end is taken, though its consumer is slow', async (t) => {
    const seen: string[] = [];
    let done!: () => void;
    const ended = new Promise<void>((resolve) => (done = resolve));
    const { open } = await serve(
      t,
      {
        open: async (connection) => {
          for await (const message of connection.messages()) {
            seen.push(message as string);
            await new Promise(setImmediate);
          }
          done();
        },
      },
      { ...local, tls: TLS },
    );
    const client = await open();
    for (const text of ['a', 'b', 'c', 'd']) client.sendText(text);
    client.sendClose(1000);
    client.end();
    await ended;
    assert.deepEqual(seen, ['a', 'b', 'c', 'd']);
  });

  test('on a Unix socket', async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'pulsebeacon-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'socket');
    const addresses: unknown[] = [];
    const { open, target } = await serve(
      t,
      {
        maxConnectionsPerAddress: 1,
        open: (connection) => void addresses.push(connection.remoteAddress, connection.remotePort),
      },
      { path: file },
    );
    assert.equal(target, file);
    assert.ok(statSync(file).isSocket());
    await open();
    await open();
    assert.deepEqual(addresses, [undefined, undefined, undefined, undefined]);
  });

  test('on a port that is taken rejects, and leaves nothing behind', async (t) => {
    const other = http.createServer();
    const port = await listen(t, other);
    const server = new WebSocketServer();
    await assert.rejects(server.listen({ port, host: '127.0.0.1' }), { code: 'EADDRINUSE' });
    const { port: free } = (await server.listen(local)) as net.AddressInfo;
    const client = await RawClient.open(free);
    client.destroy();
    await server.close();
  });

  test('on several places at once', async () => {
    const server = new WebSocketServer();
    const addresses = (await Promise.all([server.listen(local), server.listen(local)])) as net.AddressInfo[];
    const clients = await Promise.all(addresses.map(({ port }) => RawClient.open(port)));
    assert.equal(server.counts().open, 2);
    for (const client of clients) client.destroy();
    await server.close();
  });

  test('has deadlines for whoever sends slowly', async (t) => {
    let host!: http.Server;
    const see = (message: unknown): void => void (host = (message as { server: http.Server }).server);
    channel('http.server.request.start').subscribe(see);
    const { connect } = await serve(t);
    const client = await connect();
    client.write('GET /x HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.readAnswer();
    channel('http.server.request.start').unsubscribe(see);
    assert.deepEqual([host.headersTimeout, host.requestTimeout], [10_000, 30_000]);
  });

  test('a head that never ends is answered with 408', async (t) => {
    // The same server, with deadlines that a test can wait for.
    const short = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 50, handshakeTimeout: 100 };
    const { connect, open, target } = await serve(t, {}, { ...local, tls: { ...TLS, ...short } });
    const slow = await connect();
    slow.write(handshake().slice(0, 40));
    assert.match((await slow.readToEnd()).toString(), /^HTTP\/1\.1 408 /);
    const mute = net.connect(target as number, '127.0.0.1');
    mute.resume();
    await once(mute, 'close');
    await open();
  });
});

describe('listen on a server that is closed', () => {
  test('while it was about to listen, or before: it does not listen', async () => {
    const server = new WebSocketServer();
    const early = server.listen(local);
    await server.close();
    await assert.rejects(early, { code: 'PB_SERVER_CLOSED' });
    await assert.rejects(server.listen(local), { code: 'PB_SERVER_CLOSED' });
    const isListening = (): boolean => process.getActiveResourcesInfo().includes('TCPServerWrap');
    for (let i = 0; i < 100 && isListening(); i++) await new Promise(setImmediate);
    assert.ok(!isListening(), 'a server that nobody can close is left');
  });
});

describe('close', () => {
  test('says 1001 to all, waits for their answers, and resolves when the last one is gone', async (t) => {
    const log = new Log();
    const { open, server } = await serve(t, logged(log));
    const clients = [await open(), await open()];
    let isClosed = false;
    const closed = server.close().then(() => (isClosed = true));
    assert.ok(server.isClosing);
    for (const client of clients) assert.equal(await client.next(), 'close 1001 ""');
    clients[0]!.sendClose(1001);
    assert.equal(await clients[0]!.next(), 'end');
    clients[0]!.end();
    await log.has('close 1001 "" clean');
    assert.ok(!isClosed);
    clients[1]!.sendClose(1001);
    await clients[1]!.next();
    clients[1]!.end();
    await closed;
    assert.equal(server.counts().open, 0);
  });

  test('with a code and a reason of its own', async (t) => {
    const { open, server } = await serve(t, { closeTimeout: 50 });
    const client = await open();
    const closed = server.close(1012, 'back in a minute');
    assert.equal(await client.next(), 'close 1012 "back in a minute"');
    await closed;
  });

  test('with a code that must not be sent rejects, and nothing happens', async (t) => {
    const { server, open } = await serve(t);
    await assert.rejects(server.close(1005), { code: 'PB_CLOSE_CODE_INVALID' });
    await assert.rejects(server.close(1000, 'x'.repeat(124)), { code: 'PB_CLOSE_REASON_TOO_LONG' });
    assert.ok(!server.isClosing);
    await open();
  });

  test('a client that does not answer is cut after closeTimeout', async (t) => {
    const { open, server } = await serve(t, { closeTimeout: 50 });
    await open();
    await server.close();
    assert.deepEqual(server.counts().closedByCode, { 1006: 1 });
  });

  test('twice, or three times: all of them wait for the same end', async (t) => {
    const { open, server } = await serve(t, { closeTimeout: 50 });
    await open();
    await Promise.all([server.close(), server.close(), server.close(1012)]);
    await server.close();
  });

  test('of a server that listens by itself ends what is left of HTTP', async (t) => {
    const { connect, server, target } = await serve(t);
    const idle = await connect();
    const half = await connect();
    half.write('GET / HTTP/1.1\r\n');
    // Both are known to the server once a later one was served.
    const page = await connect();
    page.write('GET /x HTTP/1.1\r\nHost: x\r\n\r\n');
    await page.readResponse();
    await server.close();
    await Promise.all([idle.readToEnd(), half.readToEnd()]);
    await assert.rejects(RawClient.connect(target), { code: 'ECONNREFUSED' });
  });

  test('of one that is attached: late handshakes get 503, and the host goes on', async (t) => {
    const host = http.createServer((_, response) => response.end('a page'));
    const server = new WebSocketServer({ closeTimeout: 2000 }).attach(host);
    const port = await listen(t, host);
    const client = await RawClient.open(port);
    const closed = server.close();
    const late = await RawClient.connect(port);
    late.write(handshake());
    const { status, headers } = await late.readResponse();
    assert.deepEqual([status, headers.get('retry-after')], [503, '5']);
    late.destroy();
    assert.equal(await client.next(), 'close 1001 ""');
    client.sendClose(1001);
    await client.next();
    client.end();
    await closed;
    assert.equal(host.listenerCount('upgrade'), 0);
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'a page');
  });
});

describe('the host', () => {
  const count = (host: net.Server): Promise<number> =>
    new Promise((resolve) => host.getConnections((_, open) => resolve(open)));

  test('counts connections right, while they are WebSockets and after', async (t) => {
    const log = new Log();
    const host = http.createServer();
    const server = new WebSocketServer(logged(log)).attach(host);
    const port = await listen(t, host);
    t.after(() => server.close());
    const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.open(port)));
    // Every one of them has been read from, by whatever way.
    for (const client of clients) {
      client.send({ opcode: 9 });
      await client.readFrame();
    }
    assert.equal(await count(host), 5);
    clients[0]!.reset();
    clients[1]!.sendClose(1000);
    await clients[1]!.rest();
    clients[1]!.end();
    clients[2]!.end();
    await log.has('close', 3);
    assert.equal(await count(host), 2);
    const closed = once(host, 'close');
    host.close();
    for (const client of clients) client.destroy();
    await closed;
  });
});

test('handshakes are served before the self-test of the read buffer has ended', async (t) => {
  const host = http.createServer();
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  const server = new WebSocketServer({ message: (connection, data) => void connection.send(data) });
  const client = await RawClient.connect((host.address() as net.AddressInfo).port);
  t.after(async () => {
    client.destroy();
    await server.close();
    host.close();
  });
  server.attach(host);
  client.write(handshake());
  await client.readAnswer();
  client.sendText('x');
  assert.equal(await client.next(), 'text "x"');
});
