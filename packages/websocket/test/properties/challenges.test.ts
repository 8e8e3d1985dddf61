import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAuthParameters, parseChallenges } from '#dist/handshake/index.js';
import { budget } from './budget.ts';

const TCHAR = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const token = fc.string({ unit: fc.constantFrom(...TCHAR), minLength: 1, maxLength: 8 });
const quotable = fc.string({ unit: fc.constantFrom(...'ab,="\\ \t;\u00e9'), maxLength: 12 });
const token68 = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(...'abC9-._~+/'), minLength: 1, maxLength: 9 }),
    fc.constantFrom('', '=', '=='),
  )
  .map((parts) => parts.join(''));

const parameters = fc.uniqueArray(fc.tuple(token, quotable), {
  minLength: 1,
  maxLength: 4,
  selector: ([name]) => name.toLowerCase(),
});
const challenge = fc.record({ scheme: token, rest: fc.oneof(fc.constant(undefined), token68, parameters) });

const quote = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;

function write(scheme: string, rest: string | [string, string][] | undefined): string {
  if (rest === undefined) return scheme;
  if (typeof rest === 'string') return `${scheme} ${rest}`;
  return `${scheme} ${rest.map(([name, value]) => `${name}=${quote(value)}`).join(', ')}`;
}

test('what is written is what is read, however it is spread over lines', () => {
  fc.assert(
    fc.property(fc.array(challenge, { maxLength: 5 }), fc.array(fc.boolean()), (challenges, breaks) => {
      const lines: string[] = [''];
      for (const [i, { scheme, rest }] of challenges.entries()) {
        if (breaks[i] === true) lines.push('');
        lines.push(`${lines.pop()}${write(scheme, rest)}, `);
      }
      const expected = challenges.map(({ scheme, rest }) => [
        scheme.toLowerCase(),
        typeof rest === 'string' ? rest : undefined,
        Array.isArray(rest) ? rest.map(([name, value]) => [name.toLowerCase(), value]) : [],
      ]);
      const read = parseChallenges(lines).map((each) => [each.scheme, each.token68, [...each.parameters]]);
      assert.deepEqual(read, expected);
    }),
    budget({ test: 3_000, soak: 500_000 }),
  );
});

test('of anything whatever, what is read is tokens and values without control characters, and nothing throws', () => {
  const anything = fc.string({ unit: fc.constantFrom(...'aB9 ,,=="\\"\t;/\u0000\u007f\u00ff:'), maxLength: 40 });
  fc.assert(
    fc.property(anything, (text) => {
      for (const { scheme, token68: single, parameters: named } of parseChallenges([text])) {
        assert.match(scheme, /^[a-z9]+$/);
        if (single !== undefined) assert.match(single, /^[aB9/]+=*$/);
        for (const [name, value] of named) {
          assert.match(name, /^[a-z9]+$/);
          assert.ok(!value.includes('\u0000') && !value.includes('\u007f'));
        }
      }
      // A list of parameters behind a scheme is that list.
      const alone = parseAuthParameters(text);
      if (alone !== undefined && alone.size > 0) {
        const [first] = parseChallenges([`X ${text.replace(/^[\s,]+/, '')}`]);
        if (first?.token68 === undefined) assert.deepEqual([...first!.parameters], [...alone]);
      }
    }),
    budget({ test: 5_000, soak: 1_000_000 }),
  );
});
