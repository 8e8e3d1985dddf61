import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff, DEFAULT_BACKOFF } from '#dist/node/client/backoff.js';

const make = (random: number): Backoff => new Backoff(DEFAULT_BACKOFF, () => random);

test('waits are anything up to a bound that doubles, until the longest', () => {
  const most = make(1);
  assert.deepEqual(
    Array.from({ length: 8 }, () => most.next(undefined, undefined)),
    [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000],
  );
  const least = make(0);
  assert.equal(least.next(undefined, undefined), 0);
});

test('a connection that held begins anew; one that did not goes on', () => {
  const backoff = make(1);
  backoff.next(undefined, undefined);
  backoff.noteOpenFor(4_999);
  assert.equal(backoff.next(undefined, undefined), 1000);
  backoff.noteOpenFor(5_000);
  assert.equal(backoff.next(undefined, undefined), 500);
});

test('Retry-After is the least, and jitter comes on top', () => {
  assert.equal(make(0).next(7, undefined), 7_000);
  assert.equal(make(0.5).next(7, undefined), 7_250);
  assert.equal(make(0).next(0, undefined), 0);
});

test('after 1012 and 1013 it is 5 to 30 seconds', () => {
  for (const code of [1012, 1013]) {
    assert.equal(make(0).next(undefined, code), 5_000);
    assert.equal(make(1).next(undefined, code), 30_000);
  }
  assert.equal(make(1).next(undefined, 1011), 500);
});
