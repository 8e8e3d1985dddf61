import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePublication, parseCommand, type PublishCommand } from '@pulsebeacon/wire';
import { EncodedPublication } from '#dist/encoded-publication.js';
import { payloadOfBody, payloadOfCommand, payloadOfMessage, payloadOfValue } from '#dist/payloads.js';

const body = (text: string | number[]): Buffer => Buffer.from(text as string);
const command = (fields: Partial<PublishCommand>) =>
  payloadOfCommand(parseCommand(JSON.stringify({ type: 'publish', channel: 'c', ...fields })) as PublishCommand);

test('a body is what its Content-Type says, byte for byte', () => {
  const cases: [Buffer, string | undefined, string, string][] = [
    [body('hello'), undefined, 'text', 'text/plain; charset=utf-8'],
    [body(''), undefined, 'text', 'text/plain; charset=utf-8'],
    [body([0xff]), undefined, 'binary', 'application/octet-stream'],
    [body('hello'), 'application/x-www-form-urlencoded', 'text', 'text/plain; charset=utf-8'],
    [body('hello'), 'text/html', 'text', 'text/html'],
    [body('hello'), 'TEXT/CSV; charset="UTF-8"', 'text', 'TEXT/CSV; charset="UTF-8"'],
    [body('\ufeffmark'), 'text/plain', 'text', 'text/plain'],
    [body(' {"a" :1} '), 'application/json', 'json', 'application/json'],
    [body('[1]'), 'application/problem+json; charset=utf-8', 'json', 'application/problem+json; charset=utf-8'],
    [body([0, 255]), 'image/png', 'binary', 'image/png'],
    [body(''), 'image/png', 'binary', 'image/png'],
  ];
  for (const [bytes, type, kind, contentType] of cases) {
    const payload = payloadOfBody(bytes, type);
    assert.deepEqual([payload.kind, payload.contentType], [kind, contentType]);
    assert.deepEqual(Buffer.from(payload.data as string), bytes);
  }
});

test('a body that is not what it says is refused', () => {
  const cases: [Buffer, string, string][] = [
    [body([0xff]), 'text/plain', 'PB_PAYLOAD_INVALID'],
    [body([0xed, 0xa0, 0x80]), 'text/plain', 'PB_PAYLOAD_INVALID'],
    [body([0x22, 0xff, 0x22]), 'application/json', 'PB_PAYLOAD_INVALID'],
    [body('{'), 'application/json', 'PB_PAYLOAD_INVALID'],
    [body(''), 'application/json', 'PB_PAYLOAD_INVALID'],
    [body('\ufeff1'), 'application/json', 'PB_PAYLOAD_INVALID'],
    [body('['.repeat(100_000)), 'application/json', 'PB_MESSAGE_DEPTH'],
    [body(`${'['.repeat(33)}${']'.repeat(33)}`), 'application/json', 'PB_MESSAGE_DEPTH'],
    [body('x'), 'text/plain; charset=latin1', 'PB_PAYLOAD_CHARSET'],
    [body('x'), 'nonsense', 'PB_MEDIA_TYPE'],
    [body('x'), 'text/plain\r\nX: y', 'PB_MEDIA_TYPE'],
  ];
  for (const [bytes, type, code] of cases) assert.throws(() => payloadOfBody(bytes, type), { code }, type);
  assert.ok(payloadOfBody(body(`${'['.repeat(32)}${']'.repeat(32)}`), 'application/json'));
});

test('a command publishes JSON, text by its content type, and bytes in base64', () => {
  assert.deepEqual(command({ data: { a: '\ud800' } }), {
    kind: 'json',
    contentType: 'application/json',
    data: '{"a":"\\ud800"}',
  });
  assert.deepEqual(command({ data: 'a🙂b', contentType: 'text/plain' }), {
    kind: 'text',
    contentType: 'text/plain',
    data: 'a🙂b',
  });
  assert.deepEqual(command({ data: 'AP8=', encoding: 'base64' }), {
    kind: 'binary',
    contentType: 'application/octet-stream',
    data: Uint8Array.of(0, 255),
  });
  assert.deepEqual(command({ data: '', encoding: 'base64' }).data, new Uint8Array());
  assert.equal(command({ data: 'aGk=', encoding: 'base64', contentType: 'text/plain' }).data, 'hi');
  const wrong: [Partial<PublishCommand>, string][] = [
    [{ data: 'AP8', encoding: 'base64' }, 'PB_PAYLOAD_INVALID'],
    [{ data: 'A=P8', encoding: 'base64' }, 'PB_PAYLOAD_INVALID'],
    [{ data: 'AP_-', encoding: 'base64' }, 'PB_PAYLOAD_INVALID'],
    [{ data: 'AP8=\n', encoding: 'base64' }, 'PB_PAYLOAD_INVALID'],
    [{ data: '/w==', encoding: 'base64', contentType: 'text/plain' }, 'PB_PAYLOAD_INVALID'],
    [{ data: 1, contentType: 'text/plain' }, 'PB_PAYLOAD_INVALID'],
    [{ data: 'a\ud800b', contentType: 'text/plain' }, 'PB_PAYLOAD_INVALID'],
    [{ data: 'x', contentType: 'image/png' }, 'PB_PAYLOAD_INVALID'],
  ];
  for (const [fields, code] of wrong) assert.throws(() => command(fields), { code });
});

test('the server publishes text, bytes, and JSON values; what is none is refused', () => {
  const bytes = Buffer.from('abc');
  const payload = payloadOfValue(bytes);
  bytes[0] = 0;
  assert.deepEqual(payload.data, Uint8Array.of(97, 98, 99), 'a copy');
  assert.equal(payloadOfValue('a\udc00').data, 'a\ufffd');
  assert.equal(payloadOfMessage('🙂').data, '🙂');
  assert.equal(payloadOfValue({ toJSON: () => [1] }).data, '[1]');
  assert.equal(payloadOfValue({ a: 1 }, 'application/problem+json').contentType, 'application/problem+json');
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  for (const value of [undefined, () => 1, Symbol('s'), 1n, cycle]) {
    assert.throws(() => payloadOfValue(value), {
      code: 'PB_PAYLOAD_INVALID',
      message: /publish text, bytes, or a JSON value/,
    });
  }
  assert.throws(() => payloadOfValue(JSON.parse('['.repeat(40) + ']'.repeat(40))), { code: 'PB_MESSAGE_DEPTH' });
});

test('encodings hold what was published: JSON verbatim but for line ends, text and bytes so that they come back', () => {
  const at = { channel: 'c', epoch: 'e', offset: 1, time: 2 };
  const json = '{"n": 1e400,\t"big":12345678901234567890,\r\n"u":"\\u2028\u2028"}';
  const encoded = new EncodedPublication({ ...at, ...payloadOfBody(body(json), 'application/json') });
  assert.ok(encoded.json.endsWith(`,"data":${json.replace('\r\n', ' ')}}`));
  assert.equal(encoded.ndjson.toString(), `${encoded.json}\n`);
  assert.equal(encoded.sse.toString(), `id: e.1\ndata: ${encoded.json}\n\n`);
  assert.equal(encoded.sseOfMany.toString(), `data: ${encoded.json}\n\n`);
  assert.equal(Buffer.from(encoded.rawMessage.payload).toString(), json);
  for (const text of ['\ufeff a\r\nb\0', '']) {
    const line = encodePublication({ ...at, ...payloadOfValue(text) }, () => '');
    assert.ok(!/[\r\n]/.test(line));
    assert.equal((JSON.parse(line) as { data: string }).data, text);
  }
  const binary = new EncodedPublication({ ...at, ...payloadOfValue(Uint8Array.of(0, 255)) });
  assert.match(binary.json, /"encoding":"base64","data":"AP8="}$/);
});
