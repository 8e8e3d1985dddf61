import assert from 'node:assert/strict';
import net from 'node:net';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { type ClientConnection, type ConnectOptions, HandshakeError } from '@pulsebeacon/websocket';
import { failed as failedWith, open as openWith } from '../support/connecting.ts';
import { echoStream, http2Server, TRUST } from '../support/http2-server.ts';

const open = (t: TestContext, url: string, more: ConnectOptions = {}): Promise<ClientConnection> =>
  openWith(t, url, { tls: TRUST, ...more });

const failed = (url: string, more: ConnectOptions = {}): Promise<HandshakeError> =>
  failedWith(url, { tls: TRUST, ...more });

const frame = (type: number, flags: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, 0]), payload]);
const SETTINGS = 4;
const HEADERS = 1;
const connectProtocol = (value: number): Buffer => Buffer.from([0, 8, 0, 0, 0, value]);

/** The types of the frames that a client sends behind its preface (RFC 9113 §3.4). */
function frameTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 24; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) types.push(bytes[at + 3]!);
  return types;
}

describe('RFC 8441 §3: SETTINGS_ENABLE_CONNECT_PROTOCOL', () => {
  test('§3: without "first receiving a SETTINGS_ENABLE_CONNECT_PROTOCOL parameter" no :protocol is sent', async (t) => {
    // What would be on the wire before the server's SETTINGS: the client's own, and nothing that asks.
    const server = net.createServer();
    let bytes = Buffer.alloc(0);
    server.on('connection', (socket) => {
      t.after(() => socket.destroy());
      let isAnswered = false;
      socket
        .on('error', () => {})
        .on('data', (chunk) => {
          bytes = Buffer.concat([bytes, chunk]);
          if (!isAnswered) socket.write(frame(SETTINGS, 0, Buffer.alloc(0)));
          isAnswered = true;
        });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as net.AddressInfo;
    const error = await failed(`ws://127.0.0.1:${port}`, { httpVersion: '2' });
    assert.equal(error.code, 'PB_HTTP2_UNAVAILABLE');
    assert.match(error.message, /ENABLE_CONNECT_PROTOCOL/);
    assert.ok(!frameTypes(bytes).includes(HEADERS));
  });

  test('§3: "the value of the parameter MUST be 0 or 1": another ends the session', async (t) => {
    const server = net.createServer((socket) => {
      t.after(() => socket.destroy());
      socket.on('error', () => {}).resume();
      socket.write(frame(SETTINGS, 0, connectProtocol(2)));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as net.AddressInfo;
    const { code } = await failed(`ws://127.0.0.1:${port}`, { httpVersion: '2' });
    assert.ok(code === 'PB_HTTP2_UNAVAILABLE' || code === 'PB_ANSWER_ENDED', code);
  });

  test('§3: "on receipt … with a value of 1, a client MAY use the Extended CONNECT": it does', async (t) => {
    const server = await http2Server(t, echoStream);
    await open(t, server.url, { httpVersion: '2' });
    assert.equal(server.requests.length, 1);
  });

  test('a server with HTTP/2 and without the setting: `2` fails and says why, `auto` opens over HTTP/1.1', async (t) => {
    const server = await http2Server(t, echoStream, { settings: { enableConnectProtocol: false }, allowHTTP1: true });
    const error = await failed(server.url, { httpVersion: '2' });
    assert.equal(error.code, 'PB_HTTP2_UNAVAILABLE');
    assert.equal(error.retry, false);
    assert.match(error.message, /ENABLE_CONNECT_PROTOCOL.*'auto' or '1\.1'/s);
    await open(t, server.url, { httpVersion: 'auto' });
    assert.equal(server.upgrades(), 1);
    // It is not asked for HTTP/2 again: one more connection, and no more sessions.
    const sessions = server.sessions.length;
    await open(t, server.url, { httpVersion: 'auto' });
    assert.deepEqual([server.upgrades(), server.sessions.length, server.requests.length], [2, sessions, 0]);
  });
});
