import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import {
  encodePublication,
  encodeSse,
  ENVELOPE_SUBPROTOCOL,
  errorMessage,
  negotiateVersion,
  type Publication,
  quote,
  SSE_KEEP_ALIVE,
  WIRE_ERRORS,
  WIRE_VERSIONS,
  WireError,
} from '@pulsebeacon/wire';

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

const publication = (more: Partial<Publication>): Publication => ({
  channel: 'news',
  epoch: 'k3f9',
  offset: 17,
  time: 1_700_000_000_000,
  kind: 'json',
  contentType: 'application/json',
  data: '1',
  ...more,
});

test('a publication in JSON, byte for byte', () => {
  const head =
    '{"type":"publication","channel":"news","position":"k3f9.17","time":1700000000000,"contentType":"application/json"';
  assert.equal(encodePublication(publication({ data: '{ "a": 1.0 }' }), toBase64), `${head},"data":{ "a": 1.0 }}`);
  assert.equal(encodePublication(publication({ key: 'k"' }), toBase64), `${head},"key":"k\\"","data":1}`);
  const binary = publication({ kind: 'binary', data: Uint8Array.of(0, 255) });
  assert.equal(encodePublication(binary, toBase64), `${head},"encoding":"base64","data":"AP8="}`);
  const text = publication({ kind: 'text', data: 'a\r\n"\ud800\u2028' });
  assert.equal(encodePublication(text, toBase64), `${head},"data":"a\\r\\n\\"\\ud800\u2028"}`);
});

test('a publication is one line, and of its subscriber and publisher it says nothing', () => {
  const json = encodePublication(publication({ data: '{\r\n"a":\r[\n\n"\\n\u2028"]}\n', publisher: 'c1' }), toBase64);
  assert.doesNotMatch(json, /[\r\n]|c1/);
  assert.deepEqual((JSON.parse(json) as { data: unknown }).data, { a: ['\n\u2028'] });
});

test('an event is written field by field', () => {
  assert.equal(
    encodeSse({ event: 'join', id: 'k3f9.17', retry: 3000, data: 'a\r\nb\rc\nd\n' }),
    'event: join\nid: k3f9.17\nretry: 3000\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n',
  );
  assert.equal(encodeSse({ data: '' }), 'data: \n\n');
  assert.equal(encodeSse({}), '\n');
  assert.match(SSE_KEEP_ALIVE, /^:.*\n\n$/);
});

test('nothing gets out of its field', () => {
  for (const text of ['a\nb', 'a\r', '\r\n', 'a\0']) {
    assert.throws(() => encodeSse({ event: text }), TypeError);
    assert.throws(() => encodeSse({ id: text }), TypeError);
  }
  for (const retry of [-1, 1.5, Number.NaN, Infinity, 1e21]) assert.throws(() => encodeSse({ retry }), TypeError);
});

test('the first version that both speak', () => {
  assert.deepEqual(WIRE_VERSIONS, [1]);
  assert.equal(ENVELOPE_SUBPROTOCOL, 'pulsebeacon.json');
  assert.equal(negotiateVersion([3, 1, 2]), 1);
  assert.equal(negotiateVersion([2]), undefined);
  assert.equal(negotiateVersion([]), undefined);
});

test('an error as a message', () => {
  const error = new WireError('PB_RATE');
  assert.equal(error.entry, WIRE_ERRORS.PB_RATE);
  const { message: detail } = WIRE_ERRORS.PB_RATE;
  assert.deepEqual(errorMessage(error), { type: 'error', code: 'PB_RATE', detail, retry: true });
  assert.deepEqual(errorMessage(new WireError('PB_FORBIDDEN', 'why'), 3, 'news'), {
    type: 'error',
    id: 3,
    channel: 'news',
    code: 'PB_FORBIDDEN',
    detail: 'why',
    retry: false,
  });
});

test('the table of errors has statuses and close codes that exist', () => {
  for (const [code, { status, closeCode, message }] of Object.entries(WIRE_ERRORS)) {
    assert.match(code, /^PB_[A-Z_]+$/);
    assert.ok(status >= 400 && status < 600, code);
    assert.ok(closeCode === undefined || [1008, 1011, 1012, 1013].includes(closeCode), code);
    assert.notEqual(message, '');
  }
});

test('what a peer sent is quoted as printable ASCII, cut to length', () => {
  assert.equal(quote('a"b\\\n'), '"a\\"b\\\\\\n"');
  assert.equal(quote('\u00e9\u202e\ud800'), '"\\u00e9\\u202e\\ud800"');
  assert.equal(quote('a'.repeat(101)), `"${'a'.repeat(100)}..."`);
  // A pair that is cut in two.
  assert.equal(quote(`${'a'.repeat(99)}\u{1f600}`), `"${'a'.repeat(99)}\\ud83d..."`);
});
