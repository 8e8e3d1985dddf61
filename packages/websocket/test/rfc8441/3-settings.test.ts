import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test, type TestContext } from 'node:test';
import { WebSocketServer } from '@pulsebeacon/websocket';
import { Http2Client } from '../support/http2-client.ts';
import {
  connectFields,
  FrameClient,
  frame,
  headers,
  type Http2Frame,
  SETTINGS,
} from '@pulsebeacon/contracts/http2-frames';
import { listen, serve } from '../support/servers.ts';

const ENABLE_CONNECT_PROTOCOL = 8;
const PROTOCOL_ERROR = 1;

/** The values of a parameter in all SETTINGS that a client has got. */
function valuesOf(frames: readonly Http2Frame[], parameter: number): number[] {
  return frames.flatMap(({ type, payload }) => {
    if (type !== SETTINGS) return [];
    const values: number[] = [];
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      if (payload.readUInt16BE(at) === parameter) values.push(payload.readUInt32BE(at + 2));
    }
    return values;
  });
}

async function connect(t: TestContext, port: number): Promise<Http2Client> {
  const client = await Http2Client.connect(port);
  t.after(() => client.destroy());
  return client;
}

test('§3: the value of SETTINGS_ENABLE_CONNECT_PROTOCOL MUST be 0 or 1; a server that takes WebSockets sends 1', async (t) => {
  const { target } = await serve(t);
  const client = await FrameClient.connect(t, target as number);
  await client.find(({ type, payload }) => type === SETTINGS && payload.length > 0);
  assert.deepEqual(valuesOf(client.frames, ENABLE_CONNECT_PROTOCOL), [1]);
});

test('§3: a sender MUST NOT send 0 after 1: sessions keep what they were told when the server lets go', async (t) => {
  const host = http2.createServer();
  const server = new WebSocketServer().attach(host);
  const port = await listen(t, host);
  const before = await FrameClient.connect(t, port);
  await before.find(({ type, payload }) => type === SETTINGS && payload.length > 0);
  server.detach(host);
  const after = await FrameClient.connect(t, port);
  await after.find(({ type, payload }) => type === SETTINGS && payload.length > 0);
  assert.deepEqual(valuesOf(after.frames, ENABLE_CONNECT_PROTOCOL), [0]);
  before.write(headers(1, connectFields()));
  await before.find(({ type }) => type === 1);
  assert.deepEqual(valuesOf(before.frames, ENABLE_CONNECT_PROTOCOL), [1]);
});

test('§3: without the setting there is no extended CONNECT: its stream is reset, and the session goes on', async (t) => {
  const host = http2.createServer((_, response) => response.end('page'));
  new WebSocketServer({ http2: false }).attach(host);
  const client = await FrameClient.connect(t, await listen(t, host));
  client.write(headers(1, connectFields()));
  assert.equal(await client.resetOf(1), PROTOCOL_ERROR);
  client.write(headers(3, connectFields({ ':method': 'GET', ':protocol': undefined }), 0x5));
  assert.ok(await client.find(({ type, stream }) => type === 1 && stream === 3));
});

test('§3: one path of a server that does not take them is enough: the setting is a promise for the origin', async (t) => {
  const host = http2.createServer();
  new WebSocketServer({ path: '/a' }).attach(host);
  const other = new WebSocketServer({ path: '/b', http2: false }).attach(host);
  const port = await listen(t, host);
  const { session } = await connect(t, port);
  assert.equal(session.remoteSettings.enableConnectProtocol, false);
  other.detach(host);
  const { session: later } = await connect(t, port);
  assert.equal(later.remoteSettings.enableConnectProtocol, true);
});

test('§3: the setting of a client has no effect on a server', async (t) => {
  const { target, server } = await serve(t);
  const client = await FrameClient.connect(t, target as number);
  for (const value of [0, 1]) {
    const parameter = Buffer.from([0, ENABLE_CONNECT_PROTOCOL, 0, 0, 0, value]);
    client.write(frame(SETTINGS, 0, 0, parameter));
  }
  client.write(headers(1, connectFields()));
  assert.ok(await client.find(({ type, stream }) => type === 1 && stream === 1));
  assert.equal(server.counts().byHttpVersion['2'].accepted, 1);
  client.socket.destroy();
});
