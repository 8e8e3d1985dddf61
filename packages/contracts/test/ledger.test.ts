// The checker looks: it finds what is lost, doubled, out of order, and acknowledged but not there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Entry, Ledger } from '@pulsebeacon/contracts/ledger';

const entry = (offset: number, id = `0#${offset}`): Entry => ({ position: `e.${offset}`, id });

/** What is wrong where five were published, and a follower had what the test says. */
function faults(had: readonly (number | 'gap')[]): string[] {
  const ledger = new Ledger();
  const follower = ledger.follow('one', 'a');
  for (let offset = 0; offset < 5; offset++) ledger.acknowledge('a', entry(offset));
  for (const each of had) {
    if (each === 'gap') follower.gap();
    else follower.delivered(entry(each));
  }
  return ledger.faults();
}

test('what is as promised has no fault', () => {
  for (const had of [[0, 1, 2, 3, 4], [0, 'gap', 3, 4], [0, 1, 'gap'], ['gap']] as const) {
    assert.deepEqual(faults(had), [], had.join());
  }
});

test('what is lost, doubled or out of order is found', () => {
  for (const [had, fault] of [
    [[0, 2, 3, 4], /one misses 1 before e\.2 of a/],
    [[0, 1, 2, 3], /one misses the last 1 of a/],
    [[], /one misses the last 5 of a/],
    [[0, 1, 1, 2, 3, 4], /one had e\.1 of a twice, or too late/],
    [[0, 2, 1, 3, 4], /one had e\.1 of a twice, or too late/],
    [[1, 2, 3, 4], /one misses 1 before e\.1 of a/],
    [[0, 'gap', 2, 4], /one misses 1 before e\.4 of a/],
  ] as const) {
    assert.match(faults(had).join('; '), fault, had.join());
  }
});

test('what one follower had, the others have to have, acknowledged or not', () => {
  const ledger = new Ledger();
  const [one, two] = [ledger.follow('one', 'a'), ledger.follow('two', 'a')];
  for (const offset of [0, 1, 2]) one.delivered(entry(offset));
  for (const offset of [0, 2]) two.delivered(entry(offset));
  assert.deepEqual(ledger.faults(), ['two misses 1 before e.2 of a']);
});

test('what was told of and is not kept, is there twice, or is another, is found', () => {
  const ledger = new Ledger();
  ledger.acknowledge('a', entry(0));
  ledger.acknowledge('a', entry(1));
  ledger.keep('a', [entry(0), entry(2, '1#1'), entry(3, '1#1'), entry(4, '1#0')]);
  assert.deepEqual(ledger.faults(), [
    '1 publications of a are there twice',
    '1#0 was published after a later one',
    '0#1 was told of at e.1 of a, and is not there',
  ]);
  const other = new Ledger();
  const follower = other.follow('one', 'a');
  other.acknowledge('a', entry(0));
  follower.delivered(entry(0, 'another'));
  assert.match(other.faults().join(), /one had another at e\.0 of a: 0#0 and another/);
});

test('nothing can be missed for good of a channel of which all is kept', () => {
  const ledger = new Ledger();
  ledger.follow('one', 'a').gap();
  ledger.acknowledge('a', entry(0));
  assert.deepEqual([ledger.faults(), ledger.gaps('a'), ledger.gaps('b')], [[], 1, 0]);
  ledger.keep('a', [entry(0)]);
  assert.deepEqual(ledger.faults(), ['1 gaps in a, of which all is kept']);
});

test('a channel that has begun anew has lost what it had', () => {
  const ledger = new Ledger();
  ledger.acknowledge('a', entry(0));
  ledger.acknowledge('a', { position: 'f.0', id: '0#1' });
  assert.match(ledger.faults().join(), /a has begun anew, with 2 epochs/);
});

test('it is settled once everybody has had the newest, or knows that something is missing', async () => {
  const ledger = new Ledger();
  const [one, two] = [ledger.follow('one', 'a'), ledger.follow('two', 'a')];
  ledger.acknowledge('a', entry(0));
  let isSettled = false;
  const settled = ledger.settled(new AbortController().signal).then(() => (isSettled = true));
  one.delivered(entry(0));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isSettled, false);
  two.gap();
  await settled;
});
