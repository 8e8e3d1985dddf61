import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  DEFAULT_RETRY_AFTER,
  encodeRefusal,
  HandshakeUsageError,
  Refusal,
  type RefusalCode,
  type RefusalOptions,
  REFUSALS,
} from '#dist/handshake/index.js';
import { answerOf } from '../support/handshakes.ts';
import { testPlatform } from '../support/platform.ts';

const hasCode = (code: string) => (error: unknown) => error instanceof HandshakeUsageError && error.code === code;

const codes = Object.keys(REFUSALS) as RefusalCode[];
const of = (code: RefusalCode): Refusal =>
  Refusal.of(code, code === 'PB_HANDSHAKE_UNAUTHENTICATED' ? { headers: { 'WWW-Authenticate': 'Bearer' } } : {});

describe('every refusal of the table', () => {
  for (const code of codes) {
    test(code, () => {
      const answer = answerOf(of(code), { date: 'Mon, 23 Nov 2026 17:00:00 GMT' });
      const { status, message } = REFUSALS[code];
      assert.match(answer.startLine, new RegExp(`^HTTP/1\\.1 ${status} [A-Z][A-Za-z -]+$`));
      assert.deepEqual(answer.problem, {
        type: 'about:blank',
        title: answer.startLine.slice('HTTP/1.1 400 '.length),
        status,
        detail: message,
        code,
      });
      assert.deepEqual(answer.all('Content-Type'), ['application/problem+json']);
      assert.deepEqual(answer.all('Content-Length'), [String(answer.body.length)]);
      assert.deepEqual(answer.all('Date'), ['Mon, 23 Nov 2026 17:00:00 GMT']);
      assert.deepEqual(answer.all('Cache-Control'), ['no-store']);
      assert.match(answer.all('Connection').join(), /^close(?:, Upgrade)?$/);
      assert.equal(new Set(answer.fields.map(([name]) => name)).size, answer.fields.length, 'no field is there twice');
    });
  }

  test('405 has Allow, 426 has Upgrade and Sec-WebSocket-Version, 503 has Retry-After', () => {
    for (const code of codes) {
      const answer = answerOf(of(code));
      assert.deepEqual(answer.all('Allow'), answer.status === 405 ? ['GET'] : []);
      assert.deepEqual(answer.all('Upgrade'), answer.status === 426 ? ['websocket'] : []);
      const isAboutVersion = answer.status === 426 || code.startsWith('PB_HANDSHAKE_VERSION_');
      assert.deepEqual(answer.all('Sec-WebSocket-Version'), isAboutVersion ? ['13'] : []);
      assert.deepEqual(answer.all('Retry-After'), answer.status === 503 ? [String(DEFAULT_RETRY_AFTER)] : []);
    }
  });

  test('only what passes with time is worth a retry', () => {
    for (const code of codes) assert.equal(REFUSALS[code].retry, [408, 500, 503].includes(REFUSALS[code].status), code);
  });

  test('its detail, headers and Retry-After can be given', () => {
    const refusal = Refusal.of('PB_HANDSHAKE_SERVER_FULL', {
      detail: 'come back',
      retryAfter: 2.1,
      headers: { 'X-Node': 'n1' },
    });
    const answer = answerOf(refusal);
    assert.equal(answer.problem['detail'], 'come back');
    assert.deepEqual(answer.all('Retry-After'), ['3']);
    assert.deepEqual(answer.all('X-Node'), ['n1']);
    const own = Refusal.of('PB_HANDSHAKE_DRAINING', { headers: { 'retry-after': '7' } });
    assert.deepEqual(answerOf(own).all('Retry-After'), ['7']);
  });
});

describe('refusals of an application', () => {
  test('any final status, with its reason phrase', () => {
    const cases = { 200: 'OK', 302: 'Found', 404: 'Not Found', 421: 'Misdirected Request', 429: 'Too Many Requests' };
    for (const [status, phrase] of Object.entries(cases)) {
      assert.equal(answerOf(new Refusal(Number(status))).startLine, `HTTP/1.1 ${status} ${phrase}`);
    }
    const unknown = { 299: 'Successful', 399: 'Redirection', 418: 'Client Error', 599: 'Server Error' };
    for (const [status, phrase] of Object.entries(unknown)) {
      assert.equal(answerOf(new Refusal(Number(status))).startLine, `HTTP/1.1 ${status} ${phrase}`);
    }
  });

  test('by default a problem document with a code of its own', () => {
    const answer = answerOf(new Refusal(403));
    const expected = { type: 'about:blank', title: 'Forbidden', status: 403, code: 'PB_HANDSHAKE_REFUSED' };
    assert.deepEqual(answer.problem, expected);
    const detailed = answerOf(new Refusal(402, { code: 'NO_CREDIT', detail: 'top up' }));
    assert.equal(detailed.problem['code'], 'NO_CREDIT');
    assert.equal(detailed.problem['detail'], 'top up');
    assert.equal(new Refusal(402).title, 'Payment Required');
    assert.equal(new Refusal(402).ok, false);
  });

  test('or a body and a content type of its own', () => {
    const text = answerOf(new Refusal(403, { body: 'nö' }));
    assert.deepEqual(text.all('Content-Type'), ['text/plain; charset=utf-8']);
    assert.deepEqual(text.all('Content-Length'), ['3']);
    assert.equal(text.body, 'nö');
    const html = answerOf(new Refusal(403, { body: '<p>no', headers: { 'content-type': 'text/html' } }));
    assert.deepEqual(html.all('Content-Type'), ['text/html']);
    assert.equal(html.body, '<p>no');
    const bytes = new Refusal(403, { body: new Uint8Array([0, 255, 1]) });
    assert.deepEqual(encodeRefusal(testPlatform, bytes).body, new Uint8Array([0, 255, 1]));
    assert.deepEqual(answerOf(bytes).all('Content-Type'), ['application/octet-stream']);
    const empty = answerOf(new Refusal(403, { body: '' }));
    assert.deepEqual(empty.all('Content-Length'), ['0']);
    assert.equal(empty.body, '');
  });

  test('its own Date, Cache-Control and Allow take the place of ours', () => {
    const refusal = new Refusal(405, { headers: { DATE: 'd', 'cache-control': 'max-age=1', Allow: 'GET, POST' } });
    const answer = answerOf(refusal, { date: 'other' });
    assert.deepEqual(answer.all('Date'), ['d']);
    assert.deepEqual(answer.all('Cache-Control'), ['max-age=1']);
    assert.deepEqual(answer.all('Allow'), ['GET, POST']);
    assert.deepEqual(answerOf(new Refusal(405)).all('Allow'), ['GET']);
  });

  test('an answer to HEAD has the same head and no body', () => {
    const refusal = new Refusal(403, { body: 'no' });
    const head = encodeRefusal(testPlatform, refusal, { method: 'HEAD' });
    assert.equal(head.body.length, 0);
    assert.equal(head.head, encodeRefusal(testPlatform, refusal, { method: 'GET' }).head);
    assert.match(head.head, /Content-Length: 2\r\n/);
  });

  test('204, 205 and 304 have no content (RFC 9110 §8.6, §15.3.6)', () => {
    for (const status of [204, 205, 304]) {
      const answer = answerOf(new Refusal(status, { detail: 'unused' }));
      assert.equal(answer.body, '');
      assert.deepEqual(answer.all('Content-Type'), []);
      assert.deepEqual(answer.all('Content-Length'), status === 205 ? ['0'] : []);
      assert.throws(() => new Refusal(status, { body: 'x' }), hasCode('PB_REFUSAL_INCOMPLETE'));
    }
  });

  test('no status that is none, and none that would look like an acceptance', () => {
    for (const status of [0, 100, 101, 199, 600, 404.5, Number.NaN, Infinity, -1, '404' as unknown as number]) {
      assert.throws(() => new Refusal(status), hasCode('PB_REFUSAL_STATUS_INVALID'), String(status));
    }
  });

  test('no 401 without a challenge (RFC 9110 §15.5.2)', () => {
    assert.throws(() => new Refusal(401), hasCode('PB_REFUSAL_INCOMPLETE'));
    assert.throws(() => Refusal.of('PB_HANDSHAKE_UNAUTHENTICATED'), hasCode('PB_REFUSAL_INCOMPLETE'));
    assert.equal(new Refusal(401, { headers: [['www-authenticate', 'Bearer']] }).status, 401);
  });

  test('no header that frames the answer or looks like an acceptance', () => {
    for (const name of [
      'Connection',
      'content-length',
      'Transfer-Encoding',
      'Upgrade',
      'Trailer',
      'Keep-Alive',
      'Sec-WebSocket-Accept',
      'Sec-WebSocket-Protocol',
      'Sec-WebSocket-Extensions',
    ]) {
      assert.throws(() => new Refusal(403, { headers: { [name]: 'x' } }), hasCode('PB_HEADER_RESERVED'), name);
    }
    const untyped: RefusalOptions = { headers: { 'Content-Type': 'text/html' } };
    assert.throws(() => new Refusal(403, untyped), hasCode('PB_HEADER_RESERVED'));
    assert.throws(() => new Refusal(403, { headers: { A: 'b\r\nc' } }), hasCode('PB_HEADER_VALUE_INVALID'));
    assert.throws(
      () => Refusal.of('PB_HANDSHAKE_FORBIDDEN', { headers: { 'a b': 'c' } }),
      hasCode('PB_HEADER_NAME_INVALID'),
    );
  });

  test('a detail of the peer stays text', () => {
    const detail = '<script>\u2028"\\\x1b\u00fc\ud83d\ude00\ud800';
    const { body, problem } = answerOf(new Refusal(400, { detail }));
    assert.match(body, /^[ -~]+$/);
    assert.ok(!body.includes('<'));
    assert.equal(problem['detail'], detail);
  });
});
