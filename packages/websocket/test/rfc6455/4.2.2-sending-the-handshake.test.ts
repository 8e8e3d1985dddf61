import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AcceptOptions,
  encodeAccept,
  HandshakeUsageError,
  OriginPolicy,
  PathRouter,
  Refusal,
  readHandshake,
  selectSubprotocol,
} from '#dist/handshake/index.js';
import type { ExtensionOffer } from '#dist/protocol/extension-offer.js';
import { answerOf, makeRequest, parseHead, RFC_ACCEPT, requireHandshake } from '../support/handshakes.ts';
import { testPlatform } from '../support/platform.ts';

const accept = (fields: Record<string, string>, options: AcceptOptions) =>
  parseHead(encodeAccept(testPlatform, requireHandshake(readHandshake(makeRequest(fields))), options));

const hasCode = (code: string) => (error: unknown) => error instanceof HandshakeUsageError && error.code === code;

const extension = (name: string, parameters: [string, string | true][] = []): ExtensionOffer => ({
  name,
  parameters: new Map(parameters),
  duplicated: false,
});

test('§4.2.2 item 2: the server can answer 401 with WWW-Authenticate', () => {
  const answer = answerOf(
    Refusal.of('PB_HANDSHAKE_UNAUTHENTICATED', { headers: { 'WWW-Authenticate': 'Basic realm="x"' } }),
  );
  assert.equal(answer.startLine, 'HTTP/1.1 401 Unauthorized');
  assert.deepEqual(answer.all('WWW-Authenticate'), ['Basic realm="x"']);
  assert.throws(() => new Refusal(401), hasCode('PB_REFUSAL_INCOMPLETE'));
});

test('§4.2.2 item 3: the server MAY redirect with a 3xx status', () => {
  const answer = answerOf(new Refusal(307, { headers: { Location: 'https://example.com/chat' } }));
  assert.equal(answer.startLine, 'HTTP/1.1 307 Temporary Redirect');
  assert.deepEqual(answer.all('Location'), ['https://example.com/chat']);
});

test('§4.2.2 item 4, origin: a connection that is not wanted MUST be answered with an HTTP error', () => {
  const handshake = requireHandshake(readHandshake(makeRequest({ Origin: 'https://evil.example' })));
  assert.equal(new OriginPolicy().decide(handshake).allowed, false);
  const answer = answerOf(Refusal.of('PB_HANDSHAKE_ORIGIN_FORBIDDEN'));
  assert.equal(answer.startLine, 'HTTP/1.1 403 Forbidden');
  assert.equal(answer.problem['code'], 'PB_HANDSHAKE_ORIGIN_FORBIDDEN');
});

test('§4.2.2 item 4, version: another version MUST be answered with an error and Sec-WebSocket-Version', () => {
  for (const version of ['0', '7', '8', '12', '14', '25', '99', '100', '199', '249', '255']) {
    const result = readHandshake(makeRequest({ 'Sec-WebSocket-Version': version }));
    assert.ok(!result.ok);
    const answer = answerOf(result);
    assert.equal(answer.startLine, 'HTTP/1.1 426 Upgrade Required', version);
    assert.deepEqual(answer.all('Sec-WebSocket-Version'), ['13']);
    assert.deepEqual(answer.all('Upgrade'), ['websocket']);
  }
});

test('§4.2.2 item 4, resource name: a service that is not there MUST be answered with an HTTP error', () => {
  const router = new PathRouter<string>();
  router.add('/chat', 'the chat');
  const { path } = requireHandshake(readHandshake(makeRequest({}, { url: '/other?x' })));
  assert.equal(router.match(path), undefined);
  assert.equal(answerOf(Refusal.of('PB_HANDSHAKE_NO_SUCH_PATH')).startLine, 'HTTP/1.1 404 Not Found');
});

test("§4.2.2 item 4, subprotocol: the value MUST be one of the client's", () => {
  const fields = { 'Sec-WebSocket-Protocol': 'chat, superchat' };
  const head = accept(fields, { subprotocol: 'superchat' });
  assert.deepEqual(head.all('Sec-WebSocket-Protocol'), ['superchat']);
  for (const subprotocol of ['other', 'Chat', 'chat, superchat', '']) {
    assert.throws(() => accept(fields, { subprotocol }), hasCode('PB_SUBPROTOCOL_NOT_OFFERED'), subprotocol);
  }
  assert.throws(() => accept({}, { subprotocol: 'chat' }), hasCode('PB_SUBPROTOCOL_NOT_OFFERED'));
});

test('§4.2.2 item 4, subprotocol: without agreement, Sec-WebSocket-Protocol MUST NOT be sent', () => {
  const subprotocol = selectSubprotocol(['chat'], ['other']);
  assert.equal(subprotocol, undefined);
  assert.deepEqual(accept({ 'Sec-WebSocket-Protocol': 'chat' }, { subprotocol }).all('Sec-WebSocket-Protocol'), []);
});

test("§4.2.2 item 4, extensions: the value MUST be derived from the client's", () => {
  const fields = { 'Sec-WebSocket-Extensions': 'foo; x, bar' };
  const head = accept(fields, { extensions: [extension('bar', [['y', '1']]), extension('foo')] });
  assert.deepEqual(head.all('Sec-WebSocket-Extensions'), ['bar; y=1, foo']);
});

test('§4.2.2 item 4, extensions: extensions not listed by the client MUST NOT be listed', () => {
  const fields = { 'Sec-WebSocket-Extensions': 'foo' };
  for (const extensions of [[extension('bar')], [extension('foo'), extension('bar')], [extension('FOO')]]) {
    assert.throws(() => accept(fields, { extensions }), hasCode('PB_EXTENSION_NOT_OFFERED'));
  }
  assert.throws(() => accept({}, { extensions: [extension('foo')] }), hasCode('PB_EXTENSION_NOT_OFFERED'));
  assert.deepEqual(accept(fields, { extensions: [] }).all('Sec-WebSocket-Extensions'), []);
});

test('§4.2.2 item 5: the server MUST reply with a valid HTTP response: 101, Upgrade, Connection, Accept', () => {
  const head = accept({}, {});
  assert.equal(head.startLine, 'HTTP/1.1 101 Switching Protocols');
  assert.deepEqual(head.fields, [
    ['upgrade', 'websocket'],
    ['connection', 'Upgrade'],
    ['sec-websocket-accept', RFC_ACCEPT],
  ]);
});

test('§4.2.2 item 5: other headers follow, but none that belongs to the handshake or announces a body', () => {
  const head = accept({}, { headers: { 'Set-Cookie': ['a=1', 'b=2'], 'X-Node': 'n1' } });
  assert.deepEqual(head.all('Set-Cookie'), ['a=1', 'b=2']);
  assert.deepEqual(head.all('X-Node'), ['n1']);
  const owned = ['Upgrade', 'connection', 'Content-Length', 'Transfer-Encoding', 'Trailer'];
  const websocket = ['Accept', 'Protocol', 'Extensions', 'Version', 'Key'].map((name) => `Sec-WebSocket-${name}`);
  for (const name of [...owned, ...websocket]) {
    assert.throws(() => accept({}, { headers: { [name]: 'x' } }), hasCode('PB_HEADER_RESERVED'), name);
  }
});
