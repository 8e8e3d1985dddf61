import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAnswer, encodeAccept, parseExtensions, readHandshake } from '#dist/handshake/index.js';
import { makeAnswer, makeRequest, parseHead, RFC_KEY, requireHandshake } from '../support/handshakes.ts';
import { testPlatform } from '../support/platform.ts';
import { meet, meetAndFail } from '../support/server-end.ts';

const read = (value: string | string[]) => readHandshake(makeRequest({ 'Sec-WebSocket-Extensions': value }));

test('§9: a server MUST NOT respond with any extension not requested by the client', () => {
  const handshake = requireHandshake(read('foo'));
  const [bar] = parseExtensions('bar') ?? [];
  assert.ok(bar);
  assert.throws(() => encodeAccept(testPlatform, handshake, { extensions: [bar] }), {
    code: 'PB_EXTENSION_NOT_OFFERED',
  });
});

test('§9.1: the server MUST fail the connection on a value that does not conform', () => {
  for (const value of ['', 'foo;', 'foo; bar="', 'foo, @', 'foo bar']) {
    const result = read(value);
    assert.ok(!result.ok, value);
    assert.equal(result.code, 'PB_HANDSHAKE_EXTENSIONS_INVALID');
    assert.equal(result.status, 400);
  }
});

test('§9.1: the client MUST fail the connection on a value that does not conform', () => {
  const request = { key: RFC_KEY, subprotocols: [], extensions: parseExtensions('foo') ?? [] };
  for (const value of ['', 'foo;', 'foo; bar="', 'foo, @', 'foo bar']) {
    const result = checkAnswer(testPlatform, request, makeAnswer({ 'Sec-WebSocket-Extensions': value }));
    assert.ok(!result.ok, value);
    assert.equal(result.code, 'PB_ANSWER_EXTENSIONS_INVALID');
  }
});

test('§9.1: split over lines or combined, the field says the same', () => {
  const split = requireHandshake(read(['foo', 'bar; baz=2'])).extensions;
  assert.deepEqual(split, requireHandshake(read('foo, bar; baz=2')).extensions);
  assert.deepEqual(
    split.map(({ name }) => name),
    ['foo', 'bar'],
  );
});

test('§9.1: the order of extensions is kept, both ways', () => {
  const handshake = requireHandshake(read('foo, bar'));
  const extensions = handshake.extensions.toReversed();
  const head = parseHead(encodeAccept(testPlatform, handshake, { extensions }));
  assert.deepEqual(head.all('Sec-WebSocket-Extensions'), ['bar, foo']);
  const answer = checkAnswer(testPlatform, handshake, makeAnswer({ 'Sec-WebSocket-Extensions': 'bar, foo' }));
  assert.ok(answer.ok);
  assert.deepEqual(answer.extensions, extensions);
});

test('§9.1: the examples are acceptable', () => {
  assert.deepEqual(parseExtensions('deflate-stream')?.length, 1);
  assert.deepEqual(parseExtensions('private-extension')?.length, 1);
  assert.deepEqual(parseExtensions('mux; max-channels=4; flow-control, deflate-stream'), [
    {
      name: 'mux',
      parameters: new Map<string, string | true>([
        ['max-channels', '4'],
        ['flow-control', true],
      ]),
      duplicated: false,
    },
    { name: 'deflate-stream', parameters: new Map(), duplicated: false },
  ]);
});

test('§9.1: a parameter that is there twice is well-formed, and marked for the extension to judge', () => {
  const [extension] = parseExtensions('foo; a=1; b; a=2') ?? [];
  assert.equal(extension?.duplicated, true);
  assert.equal(extension?.parameters.get('a'), '1');
  assert.equal(extension?.parameters.size, 2);
});

test('§9.1: a client MUST fail the connection upon extensions that are malformed: it closes, and says nothing more', async (t) => {
  for (const value of [';', 'permessage-deflate;', 'permessage-deflate; a=', 'permessage-deflate; a="b c"', '=']) {
    const { error, server } = await meetAndFail(t, ({ accepted }) => accepted(`Sec-WebSocket-Extensions: ${value}`), {
      compression: true,
    });
    assert.equal(error.code, 'PB_ANSWER_EXTENSIONS_INVALID', value);
    assert.deepEqual(await server.rest(), []);
  }
});

test('§9.1: a client MUST NOT use an extension that it offered and the server did not accept', async (t) => {
  const { client, server, log } = await meet(t, { compression: { threshold: 0 } });
  assert.match(server.handshake.fields.get('sec-websocket-extensions')!, /^permessage-deflate/);
  assert.equal(client.extensions, '');
  client.send('x'.repeat(100));
  assert.equal(await server.next(), `text "${'x'.repeat(100)}"`);
  server.send({ opcode: 1, rsv1: true });
  assert.match(await server.next(), /^close 1002 /);
  assert.equal(log.lines[0], 'error PB_FRAME_RESERVED_BITS');
});
