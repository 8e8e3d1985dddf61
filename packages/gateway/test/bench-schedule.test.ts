// When messages are due at a rate: by the clock alone.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { splitPlan, intervalFor } from '#dist/bench/plan.js';
import { Schedule } from '#dist/bench/schedule.js';
import { planFor } from './support/fake-load.ts';

describe('a schedule', () => {
  it('has a message for each part of a second, from its start to before its end', () => {
    const schedule = new Schedule(4, 1000, 2000);
    const due = Array.from({ length: 4 }, () => schedule.take());
    assert.deepEqual(due, [1000, 1250, 1500, 1750]);
    assert.equal(schedule.nextDue, Infinity);
  });

  it('does not drift', () => {
    const schedule = new Schedule(3000, 0, Infinity);
    for (let taken = 0; taken < 3_000_000; taken++) schedule.take();
    assert.equal(schedule.nextDue, 1_000_000);
  });

  it('knows how many are due and not taken', () => {
    const schedule = new Schedule(10, 500, 1000);
    const waiting = [499, 500, 599, 600, 999, 1000, 5000].map((now) => schedule.waiting(now));
    assert.deepEqual(waiting, [0, 1, 1, 2, 5, 5, 5]);
    schedule.take();
    schedule.take();
    assert.equal(schedule.waiting(5000), 3);
  });

  it('ends early', () => {
    const schedule = new Schedule(10, 0, Infinity);
    schedule.endAt(250);
    assert.equal(schedule.waiting(1000), 3);
    schedule.endAt(400);
    assert.equal(schedule.waiting(1000), 3);
    for (let taken = 0; taken < 3; taken++) schedule.take();
    assert.equal(schedule.nextDue, Infinity);
  });
});

describe('a plan', () => {
  it('is split evenly, and into no more parts than there are connections or messages', () => {
    const parts = splitPlan(planFor({ connections: 5, messages: 8, rate: 9, connectRate: 3 }), 3);
    assert.deepEqual(
      parts.map(({ connections, messages, rate, connectRate }) => [connections, messages, rate, connectRate]),
      [
        [2, 3, 3, 1],
        [2, 3, 3, 1],
        [1, 2, 3, 1],
      ],
    );
    assert.deepEqual(
      parts.map(({ phase }) => phase),
      [0, 1 / 3, 2 / 3],
    );
    assert.equal(splitPlan(planFor({ connections: 2 }), 8).length, 2);
    assert.equal(splitPlan(planFor({ connections: 9, messages: 1 }), 8).length, 1);
    assert.equal(splitPlan(planFor({ connections: 2 }), 2)[1]!.messages, Infinity);
  });

  it('has some hundred points over time, none of them shorter than a quarter of a second', () => {
    assert.deepEqual([1000, 10_000, 60_000, 3_600_000, Infinity].map(intervalFor), [250, 250, 500, 30_000, 250]);
  });
});
