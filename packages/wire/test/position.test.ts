import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPosition, parseSince, readPosition } from '@pulsebeacon/wire';

test('a position is read as it was written', () => {
  for (const position of [
    { epoch: 'k3f9', offset: 0 },
    { epoch: 'A-_z', offset: Number.MAX_SAFE_INTEGER },
  ]) {
    assert.deepEqual(readPosition(formatPosition(position)), position);
  }
});

test('what is no position is none', () => {
  for (const text of [
    '',
    '.',
    'a',
    '.1',
    'a.',
    'a.01',
    'a.-1',
    'a.+1',
    'a.1e3',
    'a.1.5',
    'a.b.1',
    'a.9007199254740992',
    'a.99999999999999999999',
    'a b.1',
    `${'a'.repeat(33)}.1`,
    'a.1 ',
    'a.1\n',
    '\u00e9.1',
    'a.\u0661',
    '\ud800.1',
  ]) {
    assert.equal(readPosition(text), undefined, text);
    assert.throws(() => parseSince(text), { name: 'WireError', code: 'PB_POSITION_INVALID' }, text);
  }
});

test('since takes a position, a duration, or all', () => {
  assert.equal(parseSince('all'), 'all');
  assert.deepEqual(parseSince('10m'), { ageMs: 600_000 });
  assert.deepEqual(parseSince('k3f9.17'), { position: { epoch: 'k3f9', offset: 17 } });
  assert.throws(() => parseSince('yesterday'), { code: 'PB_POSITION_INVALID', message: /"yesterday".*10m/ });
  for (const text of [
    '10',
    'm',
    '-1m',
    '1.5h',
    '10 m',
    '10M',
    '1000000000s',
    'ALL',
    'all ',
    '10m\n',
    '10constructor',
  ]) {
    assert.throws(() => parseSince(text), { code: 'PB_POSITION_INVALID' }, text);
  }
});

test('a duration is milliseconds, in every unit', () => {
  for (const [text, ageMs] of [
    ['0s', 0],
    ['1ms', 1],
    ['1s', 1000],
    ['1m', 60_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['007d', 604_800_000],
    ['999999999d', Number.MAX_SAFE_INTEGER],
  ] as const) {
    assert.deepEqual(parseSince(text), { ageMs });
  }
});
