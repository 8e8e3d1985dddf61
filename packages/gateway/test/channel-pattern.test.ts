// Patterns over the names of channels.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compileChannelPattern, findPatternFault } from '#dist/channel-pattern.js';

const matches = (pattern: string, name: string): boolean => compileChannelPattern(pattern).matches(name);

describe('a pattern over channels', () => {
  const CASES: readonly (readonly [pattern: string, yes: readonly string[], no: readonly string[]])[] = [
    ['news', ['news'], ['', 'new', 'newss', 'News', 'anews']],
    ['*', ['', 'a', 'chat:1', '*'], []],
    ['chat:*', ['chat:', 'chat:1', 'chat:1:2'], ['chat', 'achat:1', 'Chat:1']],
    ['*:log', [':log', 'a:log', 'a:b:log'], ['log', 'a:logs']],
    ['a*a', ['aa', 'aba', 'aaa'], ['a', 'ab', 'ba']],
    ['a*b*c', ['abc', 'axbyc', 'abbc', 'abcbc'], ['ac', 'acb', 'abcd']],
    ['*ab*ab*', ['abab', 'xabxabx'], ['ab', 'aba', 'aab']],
    ['a**b', ['ab', 'axb'], ['a', 'b']],
    ['**', ['', 'x'], []],
    ['a.c', ['a.c'], ['abc']],
    ['[a]?(b)', ['[a]?(b)'], ['ab']],
    ['größe:*', ['größe:1'], ['grösse:1']],
  ];
  for (const [pattern, yes, no] of CASES) {
    it(pattern, () => {
      for (const name of yes) assert(matches(pattern, name), `matches ${name}`);
      for (const name of no) assert(!matches(pattern, name), `does not match ${name}`);
    });
  }

  it('says the same as a regular expression', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    const names = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
    fc.assert(
      fc.property(letters, names, (pattern, name) => {
        assert.equal(matches(pattern, name), new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes no longer for patterns that make others go back and forth', () => {
    const pattern = compileChannelPattern(`${'a*'.repeat(127)}b`);
    const name = 'a'.repeat(100_000);
    const start = performance.now();
    assert.equal(pattern.matches(name), false);
    assert(performance.now() - start < 1000);
  });

  it('is refused where no name could be like it', () => {
    assert.match(findPatternFault('')!, /not empty/);
    assert.match(findPatternFault('é'.repeat(128))!, /255 bytes/);
    assert.match(findPatternFault('a\nb')!, /control characters/);
    assert.equal(findPatternFault('é'.repeat(127)), undefined);
  });
});
