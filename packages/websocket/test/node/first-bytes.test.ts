import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { type ServerOptions, takeUpgrades, WebSocketServer, withHttp2 } from '@pulsebeacon/websocket';
import { type BeginningReader, Beginnings } from '#dist/node/beginnings.js';
import { fromClient, utf8 } from '../support/frames.ts';
import { handshake, RawClient } from '../support/raw-client.ts';
import { listen, serve } from '../support/servers.ts';

const ECHO: ServerOptions = { path: '/echo', message: (connection, data) => void connection.send(data) };
const ECHO_HEAD = handshake({ path: '/echo' });

/** Whether Node's parser of HTTP has had the connection. */
const wasParsed = ({ socket }: IncomingMessage): boolean => (socket as { parser?: unknown }).parser !== undefined;

/** As much of a socket as is listened to. */
class FakeSocket extends EventEmitter {
  readonly name: string;
  destroyed = false;

  constructor(name: string) {
    super();
    this.name = name;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

interface Host {
  readonly server: Server;
  readonly sockets: WebSocketServer;
  /** The requests of the handshakes that were accepted. */
  readonly opened: IncomingMessage[];
  connect(): Promise<RawClient>;
}

/** An application with an echo beside its pages, whose connections are looked at first. */
async function host(t: TestContext, prepare: (server: Server) => unknown = () => {}): Promise<Host> {
  const server = createServer((request, response) => {
    let length = 0;
    request.on('data', (part: Buffer) => (length += part.length));
    request.on('end', () => response.end(length === 0 ? 'a page' : `${length} bytes`));
  });
  const opened: IncomingMessage[] = [];
  withHttp2(server, { readsHandshakes: true });
  const sockets = new WebSocketServer({ ...ECHO, open: (_, { request }) => void opened.push(request) }).attach(server);
  prepare(server);
  const port = await listen(t, server);
  const clients: RawClient[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    await sockets.close();
  });
  const connect = async (): Promise<RawClient> => {
    clients.push(await RawClient.connect(port));
    return clients.at(-1)!;
  };
  return { server, sockets, opened, connect };
}

async function assertEchoes(client: RawClient): Promise<void> {
  client.sendText('hello');
  assert.equal(await client.next(), 'text "hello"');
}

describe('a handshake that a connection begins with', () => {
  test('is read without a parser of node:http, and the frames behind it are taken', async (t) => {
    const { opened, connect } = await host(t);
    const client = await connect();
    client.write(ECHO_HEAD, fromClient({ opcode: 1, payload: utf8('behind') }));
    assert.equal((await client.readAnswer()).status, 101);
    assert.equal(await client.next(), 'text "behind"');
    await assertEchoes(client);
    assert.equal(wasParsed(opened[0]!), false);
  });

  test('its request is what node:http would have made of it', async (t) => {
    const { opened, connect } = await host(t);
    const head = handshake({
      path: '/echo?a=1',
      headers: { Cookie: ['a=1', 'b=2'], 'x-LIST': ['1', '2'], 'User-Agent': ['first', 'second'] },
    });
    // A blank behind a value is left to Node.
    for (const sent of [head, head.replace('Connection: Upgrade', '$& ')]) {
      const client = await connect();
      client.write(sent);
      assert.equal((await client.readAnswer()).status, 101);
    }
    assert.deepEqual(opened.map(wasParsed), [false, true]);
    const [own, node] = opened.map((request) => {
      const { method, url, httpVersion, httpVersionMajor, httpVersionMinor, complete } = request;
      const { headers, headersDistinct, rawHeaders, trailers } = request;
      const start = { method, url, httpVersion, httpVersionMajor, httpVersionMinor, complete };
      return { ...start, headers, headersDistinct: { ...headersDistinct }, rawHeaders, trailers };
    });
    assert.deepEqual(own, node);
    let body = '';
    for await (const part of opened[0]!) body += part;
    assert.equal(body, '');
  });

  test('what comes while the application decides is for the connection', async (t) => {
    let decide!: () => void;
    const decided = new Promise<void>((resolve) => (decide = resolve));
    let ask!: () => void;
    const asked = new Promise<void>((resolve) => (ask = resolve));
    const { connect } = await serve(t, {
      ...ECHO,
      authorize: () => {
        ask();
        return decided;
      },
    });
    const client = await connect();
    client.write(ECHO_HEAD);
    await asked;
    await new Promise<void>((resolve) =>
      client.socket.write(fromClient({ opcode: 1, payload: utf8('early') }), () => resolve()),
    );
    // What was written before a request of somebody else has come when that is answered.
    const other = await connect();
    other.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await other.readResponse();
    decide();
    assert.equal((await client.readAnswer()).status, 101);
    assert.equal(await client.next(), 'text "early"');
  });

  test('a request with a body of any length is served beside it', async (t) => {
    const { connect } = await host(t);
    for (const length of [1, 65_400, 1_000_000]) {
      const client = await connect();
      client.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`, Buffer.alloc(length));
      assert.equal((await client.readResponse()).body, `${length} bytes`);
    }
  });

  test('pages are served beside it, over connections that are kept', async (t) => {
    const { opened, connect, server } = await host(t);
    const client = await connect();
    for (let i = 0; i < 2; i++) {
      client.write('GET /page HTTP/1.1\r\nHost: x\r\n\r\n');
      assert.equal((await client.readResponse()).body, 'a page');
    }
    client.write(ECHO_HEAD);
    assert.equal((await client.readAnswer()).status, 101);
    await assertEchoes(client);
    assert.equal(wasParsed(opened[0]!), true);
    const other = await connect();
    other.write(ECHO_HEAD);
    await other.readAnswer();
    const count = (): Promise<number> => new Promise((resolve) => server.getConnections((_, open) => resolve(open)));
    assert.equal(await count(), 2);
    // Both are WebSockets: a server that ends its connections of HTTP leaves them.
    server.closeAllConnections();
    await assertEchoes(client);
    await assertEchoes(other);
  });

  for (const [what, prepare] of [
    ['where somebody else listens for upgrades', (server) => server.on('upgrade', () => {})],
    ['where the server limits how long a socket may be silent', (server) => (server.timeout = 60_000)],
    ['where the server limits how many fields there may be', (server) => (server.maxHeadersCount = 50)],
    // As `createServer` keeps it.
    [
      'where the server joins fields that come twice',
      (server) => Object.assign(server, { joinDuplicateHeaders: true }),
    ],
  ] satisfies [string, (server: Server) => unknown][]) {
    test(`is left to node:http ${what}`, async (t) => {
      const { opened, connect } = await host(t, prepare);
      const client = await connect();
      client.write(ECHO_HEAD);
      assert.equal((await client.readAnswer()).status, 101);
      assert.equal(wasParsed(opened[0]!), true);
    });
  }

  test('is left to node:http where it is to be handed over', async (t) => {
    const { connect } = await host(t, (server) =>
      takeUpgrades(server, '/through', (request, socket, head) => {
        socket.end(`${wasParsed(request)} ${head}`);
        return undefined;
      }),
    );
    const client = await connect();
    client.write(handshake({ path: '/through' }), 'behind');
    assert.equal((await client.readToEnd()).toString(), 'true behind');
  });

  test('for a path that nobody has is refused', async (t) => {
    const { connect, sockets } = await host(t);
    const client = await connect();
    client.write(handshake({ path: '/elsewhere' }));
    assert.equal((await client.readResponse()).status, 404);
    assert.equal(sockets.counts().refused, 0);
  });

  test('once nobody is attached is a request like any other', async (t) => {
    const { connect, sockets, server } = await host(t);
    sockets.detach(server);
    const client = await connect();
    client.write(handshake({ path: '/echo', headers: { Connection: 'Upgrade, close' } }));
    assert.equal((await client.readResponse()).body, 'a page');
  });
});

describe('the beginning of HTTP/2', () => {
  test('may come in pieces', async (t) => {
    const { connect } = await serve(t);
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
    for (const cut of [1, 2, 3, 4, 5]) {
      const client = await connect();
      for (const part of [preface.slice(0, cut), `${preface.slice(cut)}\0\0\0\x04\0\0\0\0\0`]) {
        await new Promise((resolve) => client.socket.write(part, 'latin1', resolve));
        await new Promise(setImmediate);
      }
      // Its SETTINGS come first.
      assert.equal((await client.read(4))[3], 4);
    }
    const other = await connect();
    other.write('P');
    await new Promise(setImmediate);
    other.write('OST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    assert.equal((await other.readResponse()).status, 405);
  });
});

describe('whoever does not begin', () => {
  /** What was told of sockets, by name. */
  function watch(t: TestContext, timeout: number) {
    let now = 0;
    t.mock.timers.enable({ apis: ['setTimeout'] });
    t.mock.method(performance, 'now', () => now);
    const told: string[] = [];
    const nameOf = (socket: Socket): string => (socket as unknown as FakeSocket).name;
    const reader: BeginningReader<string> = {
      timeout,
      read: (seen) => (seen.length < 2 ? undefined : seen.toString('latin1')),
      onBegun: (socket, says, seen) => told.push(`${nameOf(socket)} ${says} ${seen.length}`),
      onNone: (socket, why) => told.push(`${nameOf(socket)} ${why}`),
    };
    const beginnings = new Beginnings(reader);
    const add = (name: string): FakeSocket => {
      const socket = new FakeSocket(name);
      beginnings.add(socket as unknown as Socket);
      return socket;
    };

    const pass = (milliseconds: number): void => {
      now += milliseconds;
      t.mock.timers.tick(milliseconds);
    };
    return { beginnings, add, pass, told };
  }

  test('is late when its own time is over, and not before', (t) => {
    const { add, pass, told } = watch(t, 100);
    add('a');
    pass(40);
    add('b');
    const c = add('c');
    pass(59);
    assert.deepEqual(told, []);
    pass(1);
    assert.deepEqual(told, ['a late']);
    c.emit('data', Buffer.from('hello'));
    pass(40);
    assert.deepEqual(told, ['a late', 'c hello 5', 'b late']);
    add('d');
    pass(99);
    assert.equal(told.length, 3);
    pass(1);
    assert.equal(told.at(-1), 'd late');
  });

  test('ended, with or without an error, or destroyed by somebody else', (t) => {
    const { add, pass, told } = watch(t, 100);
    add('a').emit('end');
    add('b').emit('error', new Error('reset'));
    add('c').destroy();
    pass(100);
    assert.deepEqual(told, ['a ended', 'b ended']);
  });

  test('has any time where there is no limit', (t) => {
    const { add, pass, told } = watch(t, 0);
    const socket = add('a');
    pass(1e6);
    socket.emit('data', Buffer.from('x'));
    socket.emit('data', Buffer.from('y'));
    assert.deepEqual(told, ['a xy 2']);
    assert.equal(socket.listenerCount('data') + socket.listenerCount('end') + socket.listenerCount('error'), 0);
  });

  test('is forgotten once somebody else has destroyed it, where there is no limit, too', (t) => {
    const { add, beginnings, pass, told } = watch(t, 0);
    add('a').destroy();
    const b = add('b');
    assert.equal(beginnings.size, 2);
    pass(60_000);
    assert.equal(beginnings.size, 1);
    b.destroy();
    pass(60_000);
    assert.equal(beginnings.size, 0);
    add('c').destroy();
    pass(60_000);
    assert.deepEqual([beginnings.size, told], [0, []]);
  });

  test('is destroyed with the others, and nothing is told of it', (t) => {
    const { add, beginnings, pass, told } = watch(t, 100);
    const sockets = [add('a'), add('b')];
    sockets[1]!.emit('data', Buffer.from('x'));
    beginnings.destroy();
    pass(1000);
    assert.deepEqual([sockets.map(({ destroyed }) => destroyed), told], [[true, true], []]);
  });
});

describe('a server that listens', () => {
  test('answers whoever says nothing with 408', async (t) => {
    const server = createServer({ headersTimeout: 50, requestTimeout: 100 });
    withHttp2(server, { readsHandshakes: true });
    const port = await listen(t, server);
    const client = await RawClient.connect(port);
    t.after(() => client.destroy());
    assert.match((await client.readToEnd()).toString(), /^HTTP\/1\.1 408 /);
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => socket.end(error.code));
    const other = await RawClient.connect(port);
    t.after(() => other.destroy());
    assert.equal((await other.readToEnd()).toString(), 'ERR_HTTP_REQUEST_TIMEOUT');
  });

  test('does not count whoever is reset before it says anything', async (t) => {
    const { connect, open, server } = await serve(t);
    const client = await connect();
    client.reset();
    await client.closed;
    await open();
    assert.equal(server.counts().accepted, 1);
  });
});
