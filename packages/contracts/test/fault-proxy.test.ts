// The proxy that tests break networks with: each fault does what it says, and nothing else.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { FaultProxy, type Faults } from '@pulsebeacon/contracts/fault-proxy';

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function proxied(t: TestContext, port: number, faults: Faults = {}): Promise<FaultProxy> {
  const proxy = await FaultProxy.start(port, faults);
  t.after(() => proxy.close());
  return proxy;
}

/** A server that says back what it hears. */
async function echo(t: TestContext): Promise<number> {
  const sockets = new Set<Socket>();
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  return listen(
    t,
    createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.pipe(socket);
    }),
  );
}

/** A connection, and what it has received. */
class Client {
  readonly socket: Socket;
  text = '';
  error: NodeJS.ErrnoException | undefined;
  readonly closed: Promise<unknown>;
  private wake = (): void => {};

  constructor(t: TestContext, port: number) {
    this.socket = connect(port, '127.0.0.1');
    t.after(() => this.socket.destroy());
    this.socket.on('error', (error) => (this.error = error));
    this.socket.on('data', (chunk) => {
      this.text += String(chunk);
      this.wake();
    });
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
  }

  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) await new Promise<void>((resolve) => (this.wake = resolve));
  }
}

test('without faults, bytes pass both ways, and so do ends', async (t) => {
  const proxy = await proxied(t, await echo(t));
  const client = new Client(t, proxy.port);
  const long = 'x'.repeat(300_000);
  client.socket.end(long);
  await client.closed;
  assert.equal(client.text, long);
  assert.equal(client.error, undefined);
  assert.equal(proxy.connections, 1);
});

test('delay: what is sent arrives later, each way', async (t) => {
  const proxy = await proxied(t, await echo(t), { delay: 40 });
  const client = new Client(t, proxy.port);
  const begin = performance.now();
  client.socket.write('a');
  client.socket.write('b');
  await client.until('ab');
  assert(performance.now() - begin >= 79);
});

test('trickle: the answer comes in pieces, with pauses', async (t) => {
  const proxy = await proxied(t, await echo(t), { trickle: { bytes: 4, every: 10 } });
  const client = new Client(t, proxy.port);
  let pieces = 0;
  client.socket.on('data', () => pieces++);
  const begin = performance.now();
  client.socket.write('twenty bytes of text');
  await client.until('twenty bytes of text');
  assert(performance.now() - begin >= 39);
  assert(pieces >= 2);
});

test('cutAfter, cutAfterBytes: connections end by themselves', async (t) => {
  const port = await echo(t);
  const timed = new Client(t, (await proxied(t, port, { cutAfter: 20 })).port);
  await timed.closed;
  assert.equal(timed.error, undefined);
  const counted = new Client(t, (await proxied(t, port, { cutAfterBytes: 3 })).port);
  counted.socket.write('ab');
  await counted.until('ab');
  counted.socket.write('c');
  await counted.closed;
  assert.equal(counted.text, 'abc');
});

test('cutBy: how they end', async (t) => {
  const port = await echo(t);
  for (const [cutBy, code] of [
    ['end', undefined],
    ['reset', 'ECONNRESET'],
  ] as const) {
    const client = new Client(t, (await proxied(t, port, { cutAfter: 20, cutBy })).port);
    await client.closed;
    assert.equal(client.error?.code, code);
  }
});

test('aim: new connections go to another server', async (t) => {
  const proxy = await proxied(t, await echo(t));
  const first = new Client(t, proxy.port);
  first.socket.write('a');
  await first.until('a');
  proxy.aim(await site(t));
  const response = await get(t, proxy.port, '/');
  assert.equal(response.statusCode, 200);
  first.socket.write('b');
  await first.until('ab');
});

test('cutIdle: a connection ends when nothing passes', async (t) => {
  const client = new Client(t, (await proxied(t, await echo(t), { cutIdle: 30 })).port);
  const begin = performance.now();
  client.socket.write('ab');
  await client.until('ab');
  await client.closed;
  assert(performance.now() - begin >= 29);
  assert.equal(client.error, undefined);
});

test('cut: all connections end now, and others can be made', async (t) => {
  const proxy = await proxied(t, await echo(t));
  for (const by of ['end', 'reset'] as const) {
    const client = new Client(t, proxy.port);
    client.socket.write('a');
    await client.until('a');
    proxy.cut(by);
    await client.closed;
    assert.equal(client.error?.code, by === 'end' ? undefined : 'ECONNRESET');
  }
});

test('refuse: connections are reset as soon as they are made', async (t) => {
  const proxy = await proxied(t, await echo(t), { refuse: true });
  const client = new Client(t, proxy.port);
  client.socket.write('a');
  await client.closed;
  assert.equal(client.text, '');
  proxy.set();
  const other = new Client(t, proxy.port);
  other.socket.write('a');
  await other.until('a');
});

test('freeze: nothing passes, and everything that was sent does once it ends', async (t) => {
  const proxy = await proxied(t, await echo(t));
  const client = new Client(t, proxy.port);
  client.socket.write('a');
  await client.until('a');
  proxy.set({ freeze: true });
  client.socket.write('b');
  const late = new Client(t, proxy.port);
  late.socket.write('c');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(client.text + late.text, 'a');
  proxy.set();
  await Promise.all([client.until('ab'), late.until('c')]);
});

/** A server with an endless answer at `/stream`, which takes upgrades. */
async function site(t: TestContext): Promise<number> {
  const server = createHttpServer((incoming, response) => {
    response.writeHead(200, { 'X-Upgrade': incoming.headers.upgrade ?? 'none' });
    response.write('first');
    if (incoming.url !== '/stream') response.end(' last');
  });
  server.on('upgrade', (_, socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.on('data', (chunk) => socket.write(chunk));
    t.after(() => socket.destroy());
  });
  t.after(() => server.closeAllConnections());
  return listen(t, server);
}

async function get(t: TestContext, port: number, path: string, headers = {}): Promise<IncomingMessage> {
  const sent = request({ host: '127.0.0.1', port, path, headers, agent: false });
  sent.on('error', () => {});
  t.after(() => sent.destroy());
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

const UPGRADE = { Connection: 'Upgrade', Upgrade: 'websocket' };

test('stripUpgrade: a request to upgrade arrives as an ordinary one', async (t) => {
  const proxy = await proxied(t, await site(t), { stripUpgrade: true });
  const response = await get(t, proxy.port, '/', UPGRADE);
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers['x-upgrade'], 'none');
});

test('bufferResponses: an answer arrives when it is complete; an endless one, never', async (t) => {
  const port = await site(t);
  const proxy = await proxied(t, port, { bufferResponses: true });
  const response = await get(t, proxy.port, '/');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  assert.equal(text, 'first last');
  const client = new Client(t, proxy.port);
  client.socket.write('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(client.text, '');
  const stream = await get(t, (await proxied(t, port)).port, '/stream');
  const [chunk] = (await once(stream, 'data')) as [Buffer];
  assert.equal(String(chunk), 'first');
});

const HANDSHAKE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

test('muteUpgraded: the 101 arrives, and nothing after it, nor behind what was left out', async (t) => {
  const proxy = await proxied(t, await site(t), { muteUpgraded: true });
  const mute = new Client(t, proxy.port);
  mute.socket.write(HANDSHAKE);
  await mute.until('\r\n\r\n');
  mute.socket.write('hello');
  await new Promise((resolve) => setTimeout(resolve, 50));
  proxy.set({ muteUpgraded: false });
  mute.socket.write('again');
  const other = new Client(t, proxy.port);
  other.socket.write(HANDSHAKE);
  await other.until('\r\n\r\n');
  other.socket.write('other');
  await other.until('other');
  assert.match(mute.text, /^HTTP\/1\.1 101 [^]*\r\n\r\n$/);
});
