import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesEtag, negotiate, splitOutsideQuotes } from '#dist/http/negotiation.js';

const OFFERS = ['application/json', 'text/plain', 'text/html', 'application/x-ndjson', 'text/event-stream'] as const;

const TABLE: readonly (readonly [string | undefined, string | undefined])[] = [
  [undefined, 'application/json'],
  ['', 'application/json'],
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['text/*', 'text/plain'],
  ['text/event-stream', 'text/event-stream'],
  ['TEXT/Event-Stream ; charset=utf-8', 'text/event-stream'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8', 'text/html'],
  ['application/json;q=0.4, application/x-ndjson;q=0.5', 'application/x-ndjson'],
  ['application/json;q=0, */*;q=0.1', 'text/plain'],
  ['text/*;q=0.9, text/event-stream;q=0.1, application/json;q=0.5', 'text/plain'],
  ['application/json;version="1,2";q=0.2, text/html;q=0.3', 'text/html'],
  ['image/png', undefined],
  ['*/*;q=0', undefined],
  ['application/json;q=nonsense', undefined],
  ['application/json;q=1.5, text/html;q=0.1', 'text/html'],
  [',,;;,"', undefined],
];

for (const [accept, expected] of TABLE) {
  test(`Accept: ${accept} gets ${expected} (RFC 9110 §12.5.1)`, () => {
    assert.equal(negotiate(accept, OFFERS), expected);
  });
}

test('separators within quoted strings separate nothing', () => {
  assert.deepEqual(splitOutsideQuotes('a;b="1,\\",2",c', ','), ['a;b="1,\\",2"', 'c']);
});

test('twice the field takes about twice the time', () => {
  const took = (length: number): number => {
    const field = `${';q=0.1,"\\"'.repeat(length)}text/html`;
    let best = Infinity;
    for (let i = 0; i < 5; i++) {
      // Of the processor: whatever else the machine does takes none of it.
      const before = process.cpuUsage();
      negotiate(field, OFFERS);
      const { user, system } = process.cpuUsage(before);
      best = Math.min(best, (user + system) / 1000);
    }
    return best;
  };
  took(1000);
  assert.ok(took(64_000) < took(16_000) * 16 + 5);
});

test('If-None-Match compares weakly (RFC 9110 §13.1.2)', () => {
  assert.ok(matchesEtag('*', '"a"'));
  assert.ok(matchesEtag('"b", W/"a"', '"a"'));
  assert.ok(matchesEtag('"x,y", "a"', '"a"'));
  assert.ok(!matchesEtag('"b"', '"a"'));
  assert.ok(!matchesEtag('a', '"a"'));
  assert.ok(!matchesEtag(undefined, '"a"'));
});
