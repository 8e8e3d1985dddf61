import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { DigestNonces } from '#dist/node/authentication/digest-nonces.js';

/** A clock that the test turns. */
function clock(t: TestContext): (ms: number) => void {
  t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 });
  return (ms) => t.mock.timers.tick(ms);
}

describe('nonces of Digest', () => {
  test('are fresh as long as they may be used', (t) => {
    const pass = clock(t);
    const nonces = new DigestNonces(1000);
    const nonce = nonces.make();
    pass(1000);
    assert.ok(nonces.isFresh(nonce));
    pass(1);
    assert.ok(!nonces.isFresh(nonce));
  });

  test('of others, cut, changed or spelt otherwise are not', () => {
    const nonces = new DigestNonces(60_000);
    const nonce = nonces.make();
    const changed = `${nonce[0] === 'A' ? 'B' : 'A'}${nonce.slice(1)}`;
    for (const wrong of [new DigestNonces(60_000).make(), nonce.slice(1), changed, `${nonce}=`, ` ${nonce}`, '']) {
      assert.ok(!nonces.isFresh(wrong), wrong);
    }
  });

  test('count up, and never twice the same', () => {
    const nonces = new DigestNonces(60_000);
    const nonce = nonces.make();
    const uses = [1, 1, 3, 2, 3, 4].map((count) => nonces.use(nonce, count));
    assert.deepEqual(uses, [true, false, true, false, false, true]);
    assert.ok(!nonces.use(nonces.make(), 0));
  });

  test('remembering is bounded: what is forgotten is not fresh any more', (t) => {
    const pass = clock(t);
    const nonces = new DigestNonces(60_000);
    const first = nonces.make();
    nonces.use(first, 1);
    pass(1);
    const kept = nonces.make();
    for (let used = 0; used < 10_000; used++) nonces.use(nonces.make(), 1);
    assert.ok(!nonces.isFresh(first), 'it could be used twice');
    assert.ok(nonces.isFresh(kept));
  });

  test('what is too old is forgotten without a trace', (t) => {
    const pass = clock(t);
    const nonces = new DigestNonces(1000);
    const old = nonces.make();
    nonces.use(old, 1);
    pass(1001);
    const kept = nonces.make();
    nonces.use(kept, 1);
    assert.ok(nonces.isFresh(kept));
    assert.ok(!nonces.use(kept, 1));
  });
});
