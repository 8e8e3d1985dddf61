import assert from 'node:assert/strict';
import { afterEach, test, mock } from 'node:test';
import { TICK_MS, ticks, TimerWheel, type WheelEntry } from '#dist/connection/timer-wheel.js';
import { FakeTime } from '../support/connections.ts';
import { Random } from '../support/random.ts';

class Entry implements WheelEntry {
  wheelNext: WheelEntry | null = null;
  wheelPrevious: WheelEntry | null = null;
  wheelDue = -1;
  readonly calls: number[] = [];
  private readonly then: (now: number) => number;

  constructor(then: (now: number) => number = () => -1) {
    this.then = then;
  }

  onTick(now: number): number {
    this.calls.push(now);
    return this.then(now);
  }
}

afterEach(() => mock.restoreAll());

/** How many of the wheel's timers run. */
function countTimers(): { readonly running: number } {
  const running = new Set<unknown>();
  const { setInterval, clearInterval } = globalThis;
  mock.method(globalThis, 'setInterval', (...values: Parameters<typeof setInterval>) => {
    const timer = setInterval(...values);
    running.add(timer);
    return timer;
  });
  mock.method(globalThis, 'clearInterval', (timer: NodeJS.Timeout) => {
    running.delete(timer);
    clearInterval(timer);
  });
  return {
    get running() {
      return running.size;
    },
  };
}

test('ticks: rounded up, and one more for the tick that has begun', () => {
  assert.deepEqual([0, 1, 99, 100, 101, 25_000].map(ticks), [1, 2, 2, 2, 3, 251]);
  assert.equal(ticks(Infinity), Infinity);
});

test('a deadline is never early, and at most two ticks late, wherever in a tick it is set', () => {
  const random = new Random(1);
  for (let round = 0; round < 300; round++) {
    const time = new FakeTime();
    // Keeps the wheel turning, so that deadlines are set in the middle of ticks.
    const { wheel } = time;
    const keeper = new Entry((now) => now + 1);
    wheel.schedule(keeper, 1);
    time.pass(random.below(1000));
    const set = time.now;
    const wanted = random.below(5000);
    let at = -1;
    wheel.schedule(new Entry(() => ((at = time.now), -1)), wheel.now + ticks(wanted));
    while (at === -1) time.pass(7);
    assert.ok(at - set >= wanted, `${wanted} ms came after ${at - set}`);
    assert.ok(at - set <= wanted + 2 * TICK_MS + 7, `${wanted} ms came after ${at - set}`);
  }
});

test('long deadlines go round the wheel as often as they need', () => {
  for (const due of [511, 512, 513, 1024, 5000, 36_000]) {
    const time = new FakeTime();
    const entry = new Entry();
    time.wheel.schedule(entry, due);
    time.pass(due * TICK_MS - 1);
    assert.deepEqual(entry.calls, []);
    time.pass(1);
    assert.deepEqual(entry.calls, [due]);
    time.pass(60_000);
    assert.deepEqual(entry.calls, [due]);
  }
});

test('a deadline that has passed comes at the next tick', () => {
  const time = new FakeTime();
  const keeper = new Entry((now) => now + 1);
  time.wheel.schedule(keeper, 1);
  time.pass(1000);
  const entry = new Entry();
  time.wheel.schedule(entry, 3);
  time.pass(TICK_MS);
  assert.deepEqual(entry.calls, [11]);
});

test('schedule replaces what was before, scheduleBy only where it is earlier', () => {
  const time = new FakeTime();
  const entry = new Entry();
  time.wheel.schedule(entry, 5);
  time.wheel.schedule(entry, 8);
  time.wheel.scheduleBy(entry, 9);
  assert.equal(entry.wheelDue, 8);
  time.wheel.scheduleBy(entry, 6);
  time.pass(2000);
  assert.deepEqual(entry.calls, [6]);
  time.wheel.scheduleBy(entry, time.wheel.now + 2);
  time.pass(2000);
  assert.equal(entry.calls.length, 2);
});

test('a cancelled entry is not called, and may be cancelled again', () => {
  const time = new FakeTime();
  const first = new Entry();
  const middle = new Entry();
  const last = new Entry();
  for (const entry of [first, middle, last]) time.wheel.schedule(entry, 4);
  time.wheel.cancel(middle);
  time.wheel.cancel(middle);
  time.pass(1000);
  assert.deepEqual([first.calls, middle.calls, last.calls], [[4], [], [4]]);
  time.wheel.cancel(first);
});

test('onTick may say when to be called next, as often as it likes', () => {
  const time = new FakeTime();
  const entry = new Entry((now) => (now < 20 ? now + 5 : -1));
  time.wheel.schedule(entry, 5);
  time.pass(5000);
  assert.deepEqual(entry.calls, [5, 10, 15, 20]);
});

test('onTick may cancel, schedule and reschedule any entry, itself too', () => {
  const time = new FakeTime();
  const { wheel } = time;
  const victim = new Entry();
  const later = new Entry();
  const moved = new Entry();
  const own: Entry = new Entry(() => {
    wheel.cancel(victim);
    wheel.schedule(later, 7);
    wheel.schedule(moved, 9);
    wheel.schedule(own, 12);
    return -1;
  });
  wheel.schedule(victim, 6);
  wheel.schedule(moved, 3);
  // Called first: an entry goes to the front of its slot.
  wheel.schedule(own, 3);
  time.pass(1000);
  assert.deepEqual(victim.calls, []);
  assert.deepEqual(later.calls, [7]);
  assert.deepEqual(moved.calls, [9], 'what was moved in its own tick comes at the new one alone');
  assert.deepEqual(own.calls.slice(0, 1), [3]);
});

test('what onTick asks for is a latest time: another call may have asked for an earlier one', () => {
  const time = new FakeTime();
  const entry: Entry = new Entry((now) => {
    if (now !== 2) return -1;
    time.wheel.schedule(entry, 4);
    return 10;
  });
  time.wheel.schedule(entry, 2);
  time.pass(2000);
  assert.deepEqual(entry.calls, [2, 4]);
});

test('an entry in the same slot, but a round later, stays where it is', () => {
  const time = new FakeTime();
  const near = new Entry();
  const far = new Entry();
  time.wheel.schedule(far, 3 + 512);
  time.wheel.schedule(near, 3);
  time.pass(10_000);
  assert.deepEqual([near.calls, far.calls], [[3], []]);
  time.pass(50_000);
  assert.deepEqual(far.calls, [515]);
});

test('a hundred thousand entries: each is called once, in its tick', () => {
  const time = new FakeTime();
  const random = new Random(2);
  const entries = Array.from({ length: 100_000 }, () => ({ entry: new Entry(), due: random.between(1, 2000) }));
  for (const { entry, due } of entries) time.wheel.schedule(entry, due);
  for (let i = 0; i < entries.length; i += 3) time.wheel.cancel(entries[i]!.entry);
  time.pass(2000 * TICK_MS);
  for (const [i, { entry, due }] of entries.entries()) {
    assert.deepEqual(entry.calls, i % 3 === 0 ? [] : [due]);
  }
});

test('one timer for everything, none while there is no entry', () => {
  const timers = countTimers();
  const time = new FakeTime();
  const entry = new Entry((now) => now + 2);
  const other = new Entry();
  assert.equal(timers.running, 0);
  time.wheel.schedule(entry, 2);
  time.wheel.schedule(other, 50);
  assert.equal(timers.running, 1);
  time.pass(10_000);
  assert.equal(timers.running, 1, 'an entry that is scheduled again and again needs no further timer');
  time.wheel.cancel(entry);
  assert.equal(timers.running, 0);
  time.wheel.schedule(entry, 0);
  assert.equal(timers.running, 1);
  time.wheel.cancel(entry);
  assert.equal(timers.running, 0);
});

test('the timer stops after the tick in which the last entry was called', () => {
  const timers = countTimers();
  const time = new FakeTime();
  const cancelled = new Entry();
  const entry: Entry = new Entry(() => (time.wheel.cancel(cancelled), -1));
  time.wheel.schedule(cancelled, 9);
  time.wheel.schedule(entry, 2);
  time.pass(200);
  assert.equal(timers.running, 0);
});

test('time that passed while the wheel was empty counts for nobody', () => {
  const time = new FakeTime();
  time.wheel.schedule(new Entry(), 1);
  time.pass(100);
  time.stall(3_600_000);
  const entry = new Entry();
  time.wheel.schedule(entry, time.wheel.now + 5);
  time.pass(499);
  assert.deepEqual(entry.calls, []);
  time.pass(1);
  assert.equal(entry.calls.length, 1);
});

test('time in which the process stood still counts for at most a second', () => {
  const time = new FakeTime();
  const soon = new Entry();
  const later = new Entry();
  time.wheel.schedule(soon, 10);
  time.wheel.schedule(later, 11);
  time.stall(3_600_000);
  assert.deepEqual([soon.calls, later.calls], [[10], []]);
  time.pass(99);
  assert.deepEqual(later.calls, []);
  time.pass(1);
  assert.deepEqual(later.calls, [11]);
});

test('the timer does not keep the process alive, and turns the wheel by the real clock', async () => {
  const wheel = new TimerWheel();
  const started = performance.now();
  // Something else has to keep the process alive meanwhile.
  const alive = setTimeout(() => {}, 10_000);
  await new Promise<void>((resolve) => wheel.schedule(new Entry(() => (resolve(), -1)), wheel.now + ticks(150)));
  clearTimeout(alive);
  assert.ok(performance.now() - started >= 150);
});
