import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { type ClientConnection, type ConnectOptions, HandshakeError } from '@pulsebeacon/websocket';
import { frame, frameServer, HEADERS, SETTINGS } from '@pulsebeacon/contracts/http2-frames';
import { failed as failedWith, open as openWith } from '../support/connecting.ts';
import { echoStream, http2Server, TRUST } from '../support/http2-server.ts';

const open = (t: TestContext, url: string, more: ConnectOptions = {}): Promise<ClientConnection> =>
  openWith(t, url, { tls: TRUST, ...more });

const failed = (url: string, more: ConnectOptions = {}): Promise<HandshakeError> =>
  failedWith(url, { tls: TRUST, ...more });

const connectProtocol = (value: number): Buffer => Buffer.from([0, 8, 0, 0, 0, value]);

describe('RFC 8441 §3: SETTINGS_ENABLE_CONNECT_PROTOCOL', () => {
  test('§3: without "first receiving a SETTINGS_ENABLE_CONNECT_PROTOCOL parameter" no :protocol is sent', async (t) => {
    // What would be on the wire before the server's SETTINGS: the client's own, and nothing that asks.
    const types: number[] = [];
    const port = await frameServer(
      t,
      (socket) => socket.once('data', () => socket.write(frame(SETTINGS, 0, 0))),
      ({ type }) => types.push(type),
    );
    const error = await failed(`ws://127.0.0.1:${port}`, { httpVersion: '2' });
    assert.equal(error.code, 'PB_HTTP2_UNAVAILABLE');
    assert.match(error.message, /ENABLE_CONNECT_PROTOCOL/);
    assert.ok(types.includes(SETTINGS) && !types.includes(HEADERS), types.join());
  });

  test('§3: "the value of the parameter MUST be 0 or 1": another ends the session', async (t) => {
    const port = await frameServer(t, (socket) => void socket.write(frame(SETTINGS, 0, 0, connectProtocol(2))));
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
