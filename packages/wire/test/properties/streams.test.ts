import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  encodePublication,
  encodeSse,
  formatPosition,
  LineParser,
  SSE_KEEP_ALIVE,
  type SseEvent,
  SseParser,
  WireError,
} from '@pulsebeacon/wire';
import { anyText, cut, cuts, publication } from '../support/arbitraries.ts';
import { readEventStream } from '../support/reference-event-stream.ts';
import { budget } from './budget.ts';

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const oneLine = anyText.map((text) => text.replace(/[\r\n\0]/g, ''));

const event: fc.Arbitrary<SseEvent> = fc.record(
  { event: oneLine, id: oneLine, retry: fc.maxSafeNat(), data: anyText },
  { requiredKeys: [] },
);

const stream = fc
  .array(fc.oneof(event.map(encodeSse), fc.constant(SSE_KEEP_ALIVE), anyText, fc.constantFrom('\r', '\n', '\r\n')), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''));

/** What a parser says of a stream in pieces, and what its limit says. */
function feed<T>(parser: { push(text: string): T[] }, pieces: readonly string[]): { items: T[]; failure?: string } {
  const items: T[] = [];
  try {
    for (const piece of pieces) items.push(...parser.push(piece));
    items.push(...parser.push(''));
    return { items };
  } catch (error) {
    assert.ok(error instanceof WireError);
    return { items, failure: error.message };
  }
}

test('any event stream, cut anywhere, is read as WHATWG HTML says', () => {
  const property = fc.property(stream, cuts, (text, sizes) => {
    const parser = new SseParser();
    const { items, failure } = feed(parser, cut(text, sizes));
    const { events, lastEventId, retry } = readEventStream(text);
    assert.equal(failure, undefined);
    assert.deepEqual(items, events);
    assert.equal(parser.lastEventId, lastEventId);
    assert.equal(parser.retry, retry);
  });
  fc.assert(property, budget({ test: 10_000, soak: 1_000_000 }));
});

test('an event is read as it was written; CR and CRLF come out as LF', () => {
  const property = fc.property(fc.array(event, { maxLength: 5 }), cuts, (written, sizes) => {
    let lastEventId = '';
    const expected = written.flatMap(({ event: name, id, data }) => {
      lastEventId = id ?? lastEventId;
      if (data === undefined) return [];
      return [{ event: name || 'message', data: data.replace(/\r\n?/g, '\n'), lastEventId }];
    });
    const text = written.map(encodeSse).join(SSE_KEEP_ALIVE);
    assert.deepEqual(readEventStream(text).events, expected);
    assert.deepEqual(feed(new SseParser(), cut(text, sizes)), { items: expected });
  });
  fc.assert(property, budget({ test: 5_000, soak: 500_000 }));
});

test('a publication comes out of an event stream, and of ndjson, byte for byte', () => {
  const property = fc.property(fc.array(publication, { maxLength: 4 }), cuts, (publications, sizes) => {
    const written = publications.map((each) => ({ id: formatPosition(each), data: encodePublication(each, toBase64) }));
    const events = feed(new SseParser(), cut(written.map(encodeSse).join(''), sizes)).items;
    assert.deepEqual(
      events,
      written.map(({ id, data }) => ({ event: 'message', data, lastEventId: id })),
    );
    const lines = written.map(({ data }) => `${data}\n`).join('\n');
    assert.deepEqual(
      feed(new LineParser(), cut(lines, sizes)).items,
      written.map(({ data }) => data),
    );
  });
  fc.assert(property, budget({ test: 3_000, soak: 300_000 }));
});

test('any text, cut anywhere, has the same lines', () => {
  const property = fc.property(anyText, cuts, (text, sizes) => {
    const expected = text
      .split('\n')
      .slice(0, -1)
      .map((line) => line.replace(/\r$/, ''))
      .filter((line) => line !== '');
    assert.deepEqual(feed(new LineParser(), cut(text, sizes)).items, expected);
  });
  fc.assert(property, budget({ test: 5_000, soak: 500_000 }));
});

test('where a limit ends a stream does not depend on how it was cut', () => {
  const property = fc.property(stream, cuts, fc.nat({ max: 40 }), (text, sizes, limit) => {
    for (const Parser of [SseParser, LineParser]) {
      const pieces = cut(text, sizes);
      assert.deepEqual(feed<unknown>(new Parser(limit), pieces), feed<unknown>(new Parser(limit), [text]));
      assert.deepEqual(feed<unknown>(new Parser(limit), text.split('')), feed<unknown>(new Parser(limit), [text]));
    }
  });
  fc.assert(property, budget({ test: 5_000, soak: 500_000 }));
});
