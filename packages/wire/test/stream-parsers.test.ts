import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeSse, LineParser, SSE_KEEP_ALIVE, SseParser } from '@pulsebeacon/wire';

const tooLarge = { name: 'WireError', code: 'PB_PAYLOAD_TOO_LARGE' };
const event = (data: string, lastEventId = '', name = 'message') => ({ event: name, data, lastEventId });

/** The same text in one piece, and in pieces of one character. */
function parseSse(text: string): ReturnType<SseParser['push']> {
  const whole = new SseParser().push(text);
  const parser = new SseParser();
  assert.deepEqual(
    text.split('').flatMap((piece) => parser.push(piece)),
    whole,
  );
  return whole;
}

test('the examples of WHATWG HTML section 9.2.6', () => {
  assert.deepEqual(parseSse('data: YHOO\ndata: +2\ndata: 10\n\n'), [event('YHOO\n+2\n10')]);
  const blocks = ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event';
  assert.deepEqual(parseSse(blocks), [event('first event', '1'), event('second event')]);
  assert.deepEqual(parseSse('data\n\ndata\ndata\n\ndata:'), [event(''), event('\n')]);
  assert.deepEqual(parseSse('data:test\n\ndata: test\n\n'), [event('test'), event('test')]);
});

test('lines end with LF, CR or CRLF, wherever the text is cut', () => {
  assert.deepEqual(parseSse('data: a\r\n\r\ndata: b\r\rdata: c\n\n\r\n'), [event('a'), event('b'), event('c')]);
  assert.deepEqual(parseSse('data: a\r\ndata: b\n\r'), [event('a\nb')]);
  const parser = new SseParser();
  assert.deepEqual(parser.push('data: a\r'), []);
  assert.deepEqual(parser.push(''), []);
  assert.deepEqual(parser.push('\n'), []);
  assert.deepEqual(parser.push('\r'), [event('a')]);
  assert.deepEqual(parser.push('data: b\r\r'), [event('b')]);
});

test('fields: unknown ones, other case and space are left out; the last event and id count', () => {
  assert.deepEqual(parseSse('Data: a\ndata : b\n data: c\nfoo: d\nfoo\n:data: e\ndata\u2028: f\n\n'), []);
  assert.deepEqual(parseSse('event: a\nevent: b\ndata: c:d\nid: 1\nid: 2\n\n'), [event('c:d', '2', 'b')]);
  assert.deepEqual(parseSse('event: a\n\ndata: b\n\n'), [event('b')]);
  assert.deepEqual(parseSse('event: a\nevent:\ndata: b\n\n'), [event('b')]);
  assert.deepEqual(parseSse('data: \u2028\u0085\0\n\n'), [event('\u2028\u0085\0')]);
});

test('an id without data counts, one with NUL does not, and an empty one ends it', () => {
  const parser = new SseParser();
  assert.equal(parser.lastEventId, '');
  assert.deepEqual(parser.push('id: k.1\n'), []);
  assert.equal(parser.lastEventId, '');
  assert.deepEqual(parser.push('\n'), []);
  assert.equal(parser.lastEventId, 'k.1');
  assert.deepEqual(parser.push('id: \0k.2\ndata: a\n\n'), [event('a', 'k.1')]);
  assert.deepEqual(parser.push('id\ndata: b\n\n'), [event('b')]);
  assert.equal(parser.lastEventId, '');
});

test('retry is digits alone', () => {
  const parser = new SseParser();
  for (const [line, retry] of [
    ['retry: 3x', undefined],
    ['retry', undefined],
    ['retry: -1', undefined],
    ['retry: 0', 0],
    ['retry:250', 250],
    ['retry: 1.5', 250],
    ['retry: \u0661', 250],
    [`retry: ${'9'.repeat(400)}`, Number.MAX_SAFE_INTEGER],
  ] as const) {
    assert.deepEqual(parser.push(`${line}\n`), []);
    assert.equal(parser.retry, retry, line);
  }
});

test('one byte order mark at the start is left out', () => {
  assert.deepEqual(parseSse('\ufeffdata: a\n\n'), [event('a')]);
  assert.deepEqual(parseSse('\ufeff\ufeffdata: a\n\n'), []);
  assert.deepEqual(parseSse('\n\ufeffdata: a\n\n'), []);
});

test('an event that the stream ends in is none, and comments are none', () => {
  assert.deepEqual(parseSse('data: a\n\ndata: b\n'), [event('a')]);
  assert.deepEqual(parseSse(SSE_KEEP_ALIVE + encodeSse({ data: 'a' }) + SSE_KEEP_ALIVE), [event('a')]);
});

test('an event is bounded: in a line, in many, and in what is kept', () => {
  for (const text of [
    'data: 123456',
    ':1234567890',
    'data: 12345\ndata: 6',
    'data: 12\ndata: 12\ndata: 12\n',
    'data\n'.repeat(20),
    'event: 1234\ndata: 1',
    'id: 123456\nid: 12',
  ]) {
    assert.throws(() => new SseParser(10).push(text), tooLarge, text);
    const parser = new SseParser(10);
    assert.throws(() => text.split('').forEach((piece) => parser.push(piece)), tooLarge, text);
    assert.throws(() => parser.push(''), { message: /more than 10 characters/ });
  }
  const parser = new SseParser(10);
  for (let index = 0; index < 10; index++) assert.deepEqual(parser.push('data: 1234\n\n'), [event('1234')]);
});

test('what came before an event that is too large is returned first', () => {
  for (const rest of ['data: 1234567890', 'data: 1234567890\n\ndata: 3\n\n']) {
    const parser = new SseParser(10);
    assert.deepEqual(parser.push(`data: 1\n\ndata: 2\n\n${rest}`), [event('1'), event('2')]);
    assert.throws(() => parser.push('\n'), tooLarge);
  }
});

function parseLines(text: string): string[] {
  const whole = new LineParser().push(text);
  const parser = new LineParser();
  assert.deepEqual(
    text.split('').flatMap((piece) => parser.push(piece)),
    whole,
  );
  return whole;
}

test('lines end with LF or CRLF; empty ones and a torn one are left out', () => {
  assert.deepEqual(parseLines(''), []);
  assert.deepEqual(parseLines('{"a":1}\n{"b":2}\r\n\n\r\n{"c":3}\n{"d":'), ['{"a":1}', '{"b":2}', '{"c":3}']);
  assert.deepEqual(parseLines('"\u2028\u0085"\n'), ['"\u2028\u0085"']);
  assert.deepEqual(parseLines('1\r2\n'), ['1\r2']);
});

test('a line is bounded', () => {
  const parser = new LineParser(4);
  assert.deepEqual(parser.push('1234\n12'), ['1234']);
  assert.deepEqual(parser.push('34\n'), ['1234']);
  assert.throws(() => parser.push('12345'), tooLarge);
  assert.throws(() => parser.push('\n'), { message: /more than 4 characters/ });
  for (const rest of ['12345', '12345\n1\n']) {
    const late = new LineParser(4);
    assert.deepEqual(late.push(`1\n2\n${rest}`), ['1', '2']);
    assert.throws(() => late.push(''), tooLarge);
  }
});
