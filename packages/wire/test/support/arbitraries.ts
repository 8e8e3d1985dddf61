import fc from 'fast-check';
import type { Position, Publication } from '@pulsebeacon/wire';

/** Text of any UTF-16 code units, with a bias to those that mean something to a line, a string or an event stream. */
export const anyText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
      {
        weight: 3,
        arbitrary: fc.constantFrom('\n', '\r', '\r\n', '\0', ':', ' ', '"', '\\', '\u2028', '\u2029', '\ufeff'),
      },
      { weight: 1, arbitrary: fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCharCode(code)) },
      { weight: 1, arbitrary: fc.constantFrom('data', 'data: ', 'id: ', 'event:', 'retry: 5', '\n\n') },
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

/** A name of a channel; the alphabet has what NFC could join, in an order in which it cannot. */
export const channelName: fc.Arbitrary<string> = fc
  .string({ unit: fc.constantFrom(...'aAbz09._~:@-', '\u00e9', '\u6771', '\u{1d49c}'), minLength: 1, maxLength: 20 })
  .filter((name) => name !== '.' && name !== '..');

const EPOCH = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-';

export const position: fc.Arbitrary<Position> = fc.record(
  { epoch: fc.string({ unit: fc.constantFrom(...EPOCH), minLength: 1, maxLength: 32 }), offset: fc.maxSafeNat() },
  { noNullPrototype: true },
);

/** JSON of any value, as people write it: with white space between its tokens, and numbers in any form. */
export const jsonText: fc.Arbitrary<string> = fc.oneof(
  fc.json({ maxDepth: 5, stringUnit: 'binary' }),
  fc
    .tuple(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), fc.constantFrom('\t', '  ', 0))
    .map(([value, indent]) => `\r\n${JSON.stringify(value, null, indent)}\n`.replaceAll('\n', '\r\n')),
  fc.constantFrom('1.0', '1E2', '-0', '1e400', '"\u2028\u2029"', '{"a":1,"a":2}', '{"__proto__":{"a":1}}', ' [\r] '),
);

export const publication: fc.Arbitrary<Publication> = fc
  .tuple(
    position,
    fc.record(
      { channel: channelName, time: fc.maxSafeNat(), contentType: anyText, key: anyText, publisher: anyText },
      { requiredKeys: ['channel', 'time', 'contentType'] },
    ),
    fc.oneof(
      jsonText.map((data) => ({ kind: 'json' as const, data })),
      anyText.map((data) => ({ kind: 'text' as const, data })),
      fc.uint8Array({ maxLength: 40 }).map((data) => ({ kind: 'binary' as const, data })),
    ),
  )
  .map(([place, fields, payload]) => ({ ...place, ...fields, ...payload }));

/** Cuts text into pieces: where the numbers say, and perhaps nowhere. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 30 });

export function cut(text: string, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return [...pieces, text.slice(at)];
}
