import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChannelPattern } from '@pulsebeacon/wire';

test('a star stands for any run of characters, the empty one too', () => {
  for (const [pattern, yes, no] of [
    ['news', ['news'], ['new', 'newss', 'News']],
    ['*', ['a', 'chat:room', '\u{1d49c}'], []],
    ['chat:*', ['chat:', 'chat:a', 'chat:chat:'], ['chat', 'xchat:a', 'Chat:a']],
    ['*:log', [':log', 'a:log', 'log:log'], ['a:logs', 'log']],
    ['a*a', ['aa', 'aba', 'aaa'], ['a', 'ab', 'ba']],
    ['a*b*c', ['abc', 'axbyc', 'abbcc'], ['acb', 'ab', 'ac']],
    ['a*bc*c', ['abcc', 'abcxc'], ['abc']],
    ['**a**', ['a', 'bab'], ['b']],
    ['.*', ['.a', '...'], ['a']],
    ['..*', ['...'], ['.a']],
    ['*.', ['a.'], ['a']],
    ['a*.*b', ['a.b'], ['ab']],
    ['\u{1d49c}*', ['\u{1d49c}a'], ['\u{1d49d}']],
    ['user:@*-~_', ['user:@7-~_'], ['user:7-~_']],
  ] as const) {
    const made = new ChannelPattern(pattern);
    assert.equal(made.text, pattern);
    for (const name of yes) assert.equal(made.matches(name), true, `${pattern} ${name}`);
    for (const name of no) assert.equal(made.matches(name), false, `${pattern} ${name}`);
  }
});

test('a pattern that no name can match is refused', () => {
  for (const text of [
    '',
    '.',
    '..',
    'a b*',
    'a/*',
    'chat:?',
    '[a]*',
    'cafe\u0301*',
    '\ud83d*',
    '*\ude00',
    '*\u200f*',
    'a\n*',
    'a'.repeat(256),
    `${'a'.repeat(128)}*${'a'.repeat(128)}`,
  ]) {
    assert.throws(() => new ChannelPattern(text), { name: 'WireError', code: 'PB_CHANNEL_NAME' }, text);
  }
});

test('a pattern of many stars costs no more than one', () => {
  const pattern = new ChannelPattern(`a${'*'.repeat(100_000)}b`);
  assert.equal(pattern.matches('ab'), true);
  assert.deepEqual((pattern as unknown as { parts: string[] }).parts, ['a', 'b']);
});
