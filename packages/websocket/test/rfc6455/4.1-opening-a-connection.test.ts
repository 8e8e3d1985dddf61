import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { connect, type ConnectOptions, ReconnectingConnection } from '@pulsebeacon/websocket';
import { TLS } from '../support/certificate.ts';
import { type RawHandshake, rawServer } from '../support/raw-server.ts';
import { meet, meetAndFail, roundTrips, ServerEnd } from '../support/server-end.ts';
import { listen, serve } from '../support/servers.ts';

/** A server for TLS alone, behind a TCP server that keeps the first byte of each connection. */
async function tlsServer(t: TestContext, onSecure: (socket: TLSSocket) => void) {
  const server = createServer(TLS, (socket) => onSecure(socket.on('error', () => {})));
  server.on('tlsClientError', () => {});
  const first: (number | undefined)[] = [];
  const sockets: Socket[] = [];
  const front = createTcpServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    socket.once('readable', () => {
      const start = socket.read() as Buffer | null;
      first.push(start?.[0]);
      if (start !== null) socket.unshift(start);
      server.emit('connection', socket);
    });
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    front.close();
  });
  return { port: (front.address() as AddressInfo).port, first, front };
}

const notImplemented = 'HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n';

describe('§4.1: the network connection', () => {
  test('§4.1: if the connection could not be opened, the client MUST fail the connection and abort', async (t) => {
    const host = createHttpServer();
    const port = await listen(t, host);
    host.close();
    await once(host, 'close');
    await assert.rejects(connect(`ws://127.0.0.1:${port}/`), { code: 'PB_CONNECT_REFUSED', status: undefined });
  });

  test('§4.1 item 5: with wss the client MUST do a TLS handshake before it sends the opening handshake', async (t) => {
    let sent = '';
    const { port, first } = await tlsServer(t, (socket) => {
      socket.on('data', (chunk: Buffer) => {
        sent += chunk.toString('latin1');
        if (sent.endsWith('\r\n\r\n')) socket.end(notImplemented);
      });
    });
    await assert.rejects(connect(`wss://127.0.0.1:${port}/over-tls`, { tls: { ca: TLS.cert } }), { status: 501 });
    // 22: a record of a TLS handshake (RFC 8446 §5.1).
    assert.deepEqual(first, [22]);
    assert.match(sent, /^GET \/over-tls HTTP\/1\.1\r\n/);
  });

  test('§4.1 item 5: if the TLS handshake fails, the client MUST fail the connection and send nothing more', async (t) => {
    let sent = 0;
    const { front, port } = await tlsServer(t, (socket) => socket.on('data', ({ length }: Buffer) => (sent += length)));
    const closed = once(front, 'connection').then(([socket]) => once(socket as Socket, 'close'));
    await assert.rejects(connect(`wss://127.0.0.1:${port}/`), { code: 'PB_CONNECT_TLS' });
    await closed;
    assert.equal(sent, 0);
  });

  test('§4.1 item 5: clients MUST use the Server Name Indication extension in the TLS handshake', async (t) => {
    const names: unknown[] = [];
    const { port } = await tlsServer(t, (socket) => {
      names.push((socket as TLSSocket & { servername: unknown }).servername);
      socket.end(notImplemented);
    });
    for (const host of ['localhost', '127.0.0.1']) {
      const options = { tls: { ca: TLS.cert }, socket: { family: 4 } };
      await assert.rejects(connect(`wss://${host}:${port}/`, options), { status: 501 });
    }
    // An address is no name (RFC 6066 §3).
    assert.deepEqual(names, ['localhost', false]);
  });
});

describe('§4.1: what the client sends, on the wire', () => {
  /** The request of a client as a server reads it. */
  async function requestOf(t: TestContext, options: ConnectOptions<unknown> = {}): Promise<RawHandshake> {
    const { server } = await meet(t, options);
    return server.handshake;
  }

  test('§4.1 items 1 to 7 and 9: the fields that MUST be there, each once, and no other', async (t) => {
    const { text, fields } = await requestOf(t);
    const lines = text.split('\r\n');
    assert.equal(lines[0], 'GET / HTTP/1.1');
    assert.deepEqual(
      lines
        .slice(1, -2)
        .map((line) => line.replace(/^(Host: 127\.0\.0\.1):\d+$/, '$1:port').replace(/^(.*-Key):.*/, '$1')),
      [
        'Host: 127.0.0.1:port',
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Key',
        'Sec-WebSocket-Version: 13',
      ],
    );
    assert.match(fields.get('sec-websocket-key')!, /^[A-Za-z\d+/]{22}==$/);
    assert.equal(Buffer.from(fields.get('sec-websocket-key')!, 'base64').length, 16);
  });

  test('§4.1 item 4: Host MUST have the port where it is not the default, and only then', async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'pb-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const socketPath = path.join(folder, 'socket');
    const hosts: unknown[] = [];
    await serve(t, { authorize: ({ host }) => void hosts.push(host) }, { path: socketPath });
    for (const authority of ['EXAMPLE.com', 'example.com:80', 'example.com:443', '[::1]:8080']) {
      const connection = await connect(`ws://${authority}/`, { socketPath });
      t.after(() => connection.terminate());
    }
    assert.deepEqual(hosts, ['example.com', 'example.com', 'example.com:443', '[::1]:8080']);
  });

  test('§4.1 item 7: the nonce MUST be selected randomly for each connection', async (t) => {
    const keys = new Set<string>();
    const url = await rawServer(t, ({ socket, fields }) => {
      keys.add(fields.get('sec-websocket-key')!);
      socket.end(notImplemented);
    });
    await Promise.all(Array.from({ length: 100 }, () => assert.rejects(connect(url), { status: 501 })));
    assert.equal(keys.size, 100);
  });

  test('§4.1 items 8, 10, 11 and 12: Origin, subprotocols, extensions and further fields, where they were asked for', async (t) => {
    const { fields } = await requestOf(t, {
      origin: 'https://example.com',
      subprotocols: ['v2.chat', 'v1.chat'],
      compression: true,
      headers: { Cookie: 'a=b' },
    });
    assert.equal(fields.get('origin'), 'https://example.com');
    assert.equal(fields.get('sec-websocket-protocol'), 'v2.chat, v1.chat');
    assert.match(fields.get('sec-websocket-extensions')!, /^permessage-deflate;/);
    assert.equal(fields.get('cookie'), 'a=b');
  });

  test('§4.1 items 8 and 10: what MUST NOT be asked for is refused before anything is sent', async (t) => {
    const url = await rawServer(t, () => assert.fail('a request was sent'));
    for (const [options, code] of [
      [{ subprotocols: ['a', 'a'] }, 'PB_SUBPROTOCOL_INVALID'],
      [{ subprotocols: [''] }, 'PB_SUBPROTOCOL_INVALID'],
      [{ subprotocols: ['a b'] }, 'PB_SUBPROTOCOL_INVALID'],
      [{ origin: 'https://example.com/path' }, 'PB_ORIGIN_INVALID'],
      [{ headers: { 'Sec-WebSocket-Key': 'mine' } }, 'PB_HEADER_RESERVED'],
    ] as const) {
      await assert.rejects(connect(url, options), { code });
    }
  });

  test('§4.1: the client MUST wait for the answer before it sends any further data', async (t) => {
    let arrive!: (server: ServerEnd) => void;
    const arrival = new Promise<ServerEnd>((resolve) => (arrive = resolve));
    const url = await rawServer(t, (handshake) => arrive(new ServerEnd(handshake)));
    const link = new ReconnectingConnection<unknown>(url, { open: (connection) => void connection.send('in time') });
    t.after(() => {
      link.close();
      link.connection?.terminate();
    });
    const server = await arrival;
    assert.equal(link.send('early'), 'closed');
    await roundTrips(t);
    assert.equal(server.unread.length, 0);
    server.write(server.handshake.accepted());
    assert.equal(await server.next(), 'text "in time"');
  });
});

describe('§4.1: the client MUST fail the connection over an answer that does not conform', () => {
  const DEFLATE = 'Sec-WebSocket-Extensions: permessage-deflate';
  const drop = (text: string, name: string): string => text.replace(new RegExp(`${name}: .*\r\n`), '');
  const cases: [item: string, code: string, answer: (h: RawHandshake) => string, options?: ConnectOptions<unknown>][] =
    [
      ['item 1: 200', 'PB_ANSWER_STATUS', (h) => h.accepted('Content-Length: 0').replace('101 Switching', '200')],
      [
        'item 1: 301, which may be followed and is not',
        'PB_ANSWER_STATUS',
        () => 'HTTP/1.1 301 Gone\r\nLocation: /\r\nContent-Length: 0\r\n\r\n',
      ],
      ['item 1: 401', 'PB_ANSWER_STATUS', () => 'HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n'],
      ['item 2: no Upgrade', 'PB_ANSWER_UPGRADE', (h) => drop(h.accepted(), 'Upgrade')],
      [
        'item 2: another Upgrade',
        'PB_ANSWER_UPGRADE',
        (h) => h.accepted().replace('Upgrade: websocket', 'Upgrade: h2c'),
      ],
      ['item 3: no Connection', 'PB_ANSWER_CONNECTION', (h) => drop(h.accepted(), 'Connection')],
      ['item 3: another Connection', 'PB_ANSWER_CONNECTION', (h) => h.accepted().replace(': Upgrade', ': close')],
      [
        'item 4: no Sec-WebSocket-Accept',
        'PB_ANSWER_ACCEPT_MISSING',
        (h) => drop(h.accepted(), 'Sec-WebSocket-Accept'),
      ],
      [
        'item 4: a wrong Sec-WebSocket-Accept',
        'PB_ANSWER_ACCEPT_WRONG',
        (h) => h.accepted().replace(/Accept: ./, 'Accept: -'),
      ],
      ['item 5: an extension without any offer', 'PB_ANSWER_EXTENSION_UNEXPECTED', (h) => h.accepted(DEFLATE)],
      [
        'item 5: another extension',
        'PB_ANSWER_EXTENSION_UNEXPECTED',
        (h) => h.accepted('Sec-WebSocket-Extensions: foo'),
        { compression: true },
      ],
      [
        'item 6: a subprotocol without a request',
        'PB_ANSWER_SUBPROTOCOL_UNEXPECTED',
        (h) => h.accepted('Sec-WebSocket-Protocol: a'),
      ],
      [
        'item 6: another subprotocol',
        'PB_ANSWER_SUBPROTOCOL_UNEXPECTED',
        (h) => h.accepted('Sec-WebSocket-Protocol: A'),
        { subprotocols: ['a'] },
      ],
    ];
  for (const [item, code, answer, options] of cases) {
    test(`§4.1 response ${item}; §7.1.7: the TCP connection is closed, and nothing was sent`, async (t) => {
      const { error, server } = await meetAndFail(t, answer, options);
      assert.equal(error.code, code);
      assert.deepEqual(await server.rest(), []);
    });
  }

  test('§4.1 response items 1 to 6: names of fields in any case, and interim answers before, change nothing', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => {
      const answer = accepted('sec-websocket-PROTOCOL:\tchat').replace('Upgrade: websocket', 'UPGRADE:WebSocket ');
      socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer}`);
    });
    const connection = await connect(url, { subprotocols: ['chat'] });
    t.after(() => connection.terminate());
    assert.deepEqual([connection.state, connection.protocol, connection.extensions], ['open', 'chat', '']);
  });
});
