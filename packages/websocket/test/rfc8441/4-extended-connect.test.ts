import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, test } from 'node:test';
import { connectProtocol, readExtendedConnect } from '#dist/handshake/index.js';
import { connectFields, FrameClient, headers } from '@pulsebeacon/contracts/http2-frames';
import { serve } from '../support/servers.ts';

const PROTOCOL_ERROR = 1;

const read = (changes: Readonly<Record<string, string | undefined>> = {}, more: readonly string[] = []) =>
  readExtendedConnect([...connectFields(changes).flat(), ...more]);

function codeOf(changes: Readonly<Record<string, string | undefined>>, more?: readonly string[]): string {
  const result = read(changes, more);
  return result.ok ? 'accepted' : `${result.status} ${result.code}`;
}

test('§4: :protocol MUST be there, on a CONNECT: what has it elsewhere is no extended CONNECT', () => {
  const protocol = (changes: Readonly<Record<string, string | undefined>>) =>
    connectProtocol(connectFields(changes).flat());
  assert.equal(protocol({}), 'websocket');
  assert.equal(protocol({ ':protocol': 'connect-udp' }), 'connect-udp');
  assert.equal(protocol({ ':protocol': undefined }), undefined);
  assert.equal(protocol({ ':method': 'GET' }), undefined);
  assert.equal(connectProtocol(['x', 'y', ':method', 'CONNECT', ':protocol', 'websocket']), undefined);
  assert.equal(codeOf({ ':method': 'GET' }), '405 PB_HANDSHAKE_CONNECT_MISSING');
  assert.equal(codeOf({ ':protocol': undefined }), '501 PB_HANDSHAKE_PROTOCOL_UNKNOWN');
  assert.equal(codeOf({}, [':protocol', 'websocket']), '501 PB_HANDSHAKE_PROTOCOL_UNKNOWN');
});

test('§4: :scheme and :path MUST be there, and :authority as in any other request', () => {
  const missing = '400 PB_HANDSHAKE_PSEUDO_FIELDS';
  for (const name of [':scheme', ':path', ':authority']) {
    assert.equal(codeOf({ [name]: undefined }), missing, name);
    assert.equal(codeOf({}, [name, 'twice']), missing, `${name} twice`);
  }
  assert.equal(codeOf({ ':scheme': 'ftp' }), missing);
  assert.equal(codeOf({}, [':unknown', 'x', ':constructor', 'y']), 'accepted');
});

test('§4: "the server MUST NOT create a tunnel to the host indicated by the :authority"', async (t) => {
  const other = net.createServer(() => assert.fail('somebody connected'));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { server, http2 } = await serve(t, { message: (c, data) => c.send(data) });
  const client = await http2();
  const authority = `127.0.0.1:${(other.address() as net.AddressInfo).port}`;
  const socket = await client.open({ ':authority': authority });
  socket.sendText('who is there?');
  assert.equal(await socket.next(), 'text "who is there?"');
  assert.equal(server.counts().open, 1);
});

test('§4: :path is a path, :authority a host and at most a port', () => {
  assert.equal(codeOf({ ':path': '*' }), '400 PB_HANDSHAKE_TARGET');
  assert.equal(codeOf({ ':path': 'http://server.example/' }), '400 PB_HANDSHAKE_TARGET');
  assert.equal(codeOf({ ':path': '' }), '400 PB_HANDSHAKE_TARGET');
  assert.equal(codeOf({ ':authority': 'user@server.example' }), '400 PB_HANDSHAKE_HOST_INVALID');
  assert.equal(codeOf({ ':authority': '' }), '400 PB_HANDSHAKE_HOST_INVALID');
  const handshake = read({ ':path': '/chat?room=1', ':authority': 'server.example:8443' });
  assert.ok(handshake.ok);
  assert.deepEqual([handshake.path, handshake.query, handshake.host], ['/chat', 'room=1', 'server.example:8443']);
});

test('RFC 9113 §8.3.1: a Host field that says anything else than :authority is refused', () => {
  assert.equal(codeOf({ host: 'server.example' }), 'accepted');
  assert.equal(codeOf({ host: 'SERVER.example' }), 'accepted');
  assert.equal(codeOf({ host: 'other.example' }), '400 PB_HANDSHAKE_HOST_INVALID');
  assert.equal(codeOf({ host: 'server.example' }, ['host', 'server.example']), '400 PB_HANDSHAKE_HOST_REPEATED');
});

test('RFC 9113 §8.2.2: fields that speak of the connection make a request malformed', () => {
  for (const name of ['connection', 'upgrade', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'te', 'TE']) {
    const code = codeOf({}, [name, name === 'transfer-encoding' ? 'chunked' : 'Upgrade']);
    assert.equal(code, '400 PB_HANDSHAKE_CONNECTION_FIELDS', name);
  }
  assert.equal(codeOf({ 'content-length': '5' }), '400 PB_HANDSHAKE_CONTENT');
});

test('§4: the header limits hold here, too', () => {
  const fields = Array.from({ length: 101 }, (_, i) => [`x-${i}`, 'y']).flat();
  assert.equal(codeOf({}, fields), '431 PB_HANDSHAKE_TOO_MANY_FIELDS');
  assert.equal(codeOf({ cookie: 'x'.repeat(17_000) }), '431 PB_HANDSHAKE_FIELDS_TOO_LARGE');
  assert.equal(codeOf({ cookie: 'x\ny' }), '400 PB_HANDSHAKE_FIELD_INVALID');
});

describe('§4, on the wire', () => {
  const cases: [string, Readonly<Record<string, string | undefined>>][] = [
    ['without :scheme', { ':scheme': undefined }],
    ['without :path', { ':path': undefined }],
    ['without :authority', { ':authority': undefined }],
    ['with GET', { ':method': 'GET' }],
    ['with Connection', { connection: 'Upgrade' }],
    ['with Upgrade', { upgrade: 'websocket' }],
    ['with names in capitals', { 'Sec-WebSocket-Protocol': 'chat' }],
  ];
  test('what is malformed is a stream error PROTOCOL_ERROR, and hurts nobody else', async (t) => {
    const { target, server } = await serve(t);
    const client = await FrameClient.connect(t, target as number);
    let stream = 1;
    for (const [name, changes] of cases) {
      client.write(headers(stream, connectFields(changes)));
      assert.equal(await client.resetOf(stream), PROTOCOL_ERROR, name);
      stream += 2;
    }
    client.write(headers(stream, connectFields()));
    assert.ok(await client.find((frame) => frame.type === 1 && frame.stream === stream));
    assert.equal(server.counts().open, 1);
    client.socket.destroy();
  });

  test('a CONNECT without :protocol asks for a proxy, which this is not: 405', async (t) => {
    const { http2 } = await serve(t);
    const client = await http2();
    const answer = await client.ask({ ':method': 'CONNECT', ':authority': 'other.example:443' });
    assert.equal(answer.status, 405);
  });
});
