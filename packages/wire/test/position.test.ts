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
  for (const text of ['', '.1', 'a.', 'a.01', 'a.-1', 'a.9007199254740992', 'a b.1', `${'a'.repeat(33)}.1`, 'a.1 ']) {
    assert.equal(readPosition(text), undefined, text);
  }
});

test('since takes a position, a duration, or all', () => {
  assert.equal(parseSince('all'), 'all');
  assert.deepEqual(parseSince('10m'), { ageMs: 600_000 });
  assert.deepEqual(parseSince('k3f9.17'), { position: { epoch: 'k3f9', offset: 17 } });
  assert.throws(() => parseSince('yesterday'), { code: 'PB_POSITION_INVALID', message: /"yesterday".*10m/ });
});
