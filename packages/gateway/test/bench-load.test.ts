// What the load sends and what it measures, without network, by a clock that is moved by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newHistogram, percentileMs } from '#dist/bench/latency.js';
import { Load, type LoadOutcome } from '#dist/bench/load.js';
import type { Interval } from '#dist/bench/meter.js';
import type { LoadPlan } from '#dist/bench/plan.js';
import { FakeClock, type FakeLink, FakeLinks, planFor } from './support/fake-load.ts';

/** A load whose links answer after a time, which may depend on when. */
class Bench {
  readonly clock = new FakeClock();
  readonly intervals: Interval[] = [];
  readonly events: string[] = [];
  readonly links: FakeLinks;
  readonly load: Load;
  private outcome: Promise<LoadOutcome> | undefined;

  constructor(plan: LoadPlan, answerAfter: (now: number) => number = () => 10) {
    this.links = new FakeLinks((link) => {
      const now = this.clock.now();
      const after = answerAfter(now);
      if (after !== Infinity) this.clock.wake(now + after, () => link.observer.onAnswer(plan.payload.size));
    });
    this.load = new Load(plan, this.links, this.clock, {
      onInterval: (interval) => this.intervals.push(interval),
      onMeasuring: () => this.events.push(`measuring at ${this.clock.now()}`),
      onSent: () => this.events.push(`sent at ${this.clock.now()}`),
    });
  }

  get first(): FakeLink {
    return this.links.links[0]!;
  }

  async start(): Promise<void> {
    await this.load.connect();
    this.outcome = this.load.run();
  }

  /** To the end of it, which is to come before `time`. */
  async until(time: number): Promise<LoadOutcome> {
    await this.clock.advanceTo(time);
    return this.outcome!;
  }

  async run(time: number): Promise<LoadOutcome> {
    await this.start();
    return this.until(time);
  }

  /** Of everything that was measured, in milliseconds, to the three figures that histograms have. */
  percentiles(...percentiles: number[]): number[] {
    const all = newHistogram();
    for (const { latency } of this.intervals) if (latency.count > 0) all.add(latency);
    return percentiles.map((percentile) => Number(percentileMs(all, percentile).toPrecision(3)));
  }
}

describe('with a rate', () => {
  it('latency is measured from when a message was due, so that a server that stands still is seen', async () => {
    // A message every 10 ms, answered after 1 ms; but from 200 to 700 ms nothing is answered. The connection has one in
    // flight: 50 messages have to wait. Measured from when they were sent, one in a hundred would be slow.
    const stalls = (now: number): number => (now >= 200 && now < 700 ? 701 - now : 1);
    const bench = new Bench(planFor({ rate: 100, inFlight: 1 }), stalls);
    const { totals } = await bench.run(5000);
    assert.deepEqual([totals.sent, totals.answered, totals.unanswered, totals.unsent], [100, 100, 0, 0]);
    // The one that was under way takes 501 ms; the next waits for it, and so on: about half of all messages are late.
    const [p40, p60, p100] = bench.percentiles(40, 60, 100);
    assert.equal(p40, 1);
    assert(p60! > 100 && p60! < 250, String(p60));
    assert.equal(p100, 501);
    // Those that waited for the connection are not blamed on the load.
    assert(totals.waited >= 49 && totals.waited <= 56, String(totals.waited));
    assert.equal(totals.lateness.count, 100 - totals.waited);
    assert.equal(percentileMs(totals.lateness, 100), 0.000001);
  });

  it('messages are sent whatever is on its way, as far as there is room', async () => {
    const bench = new Bench(planFor({ rate: 100, inFlight: 1000 }), () => 500);
    await bench.start();
    await bench.clock.advanceTo(400);
    assert.equal(bench.first.sent, 41);
    const { totals } = await bench.until(5000);
    assert.deepEqual([totals.sent, totals.answered, totals.waited], [100, 100, 0]);
    assert.deepEqual(bench.percentiles(1, 100), [500, 500]);
  });

  it('connections take turns, and one that does not answer does not hold up the others', async () => {
    const bench = new Bench(planFor({ rate: 100, inFlight: 2, connections: 3, timeout: 200 }));
    await bench.start();
    await bench.clock.advanceTo(25);
    assert.deepEqual(
      bench.links.links.map(({ sent }) => sent),
      [1, 1, 1],
    );
    const silent = bench.first;
    silent.observer.onAnswer = () => {};
    const { totals, ending } = await bench.until(5000);
    assert.deepEqual(ending, { how: 'complete' });
    assert.equal(totals.sent, 100);
    assert.equal(totals.unanswered, 2);
    assert.equal(totals.answered, 98);
  });

  it('what is due and finds no room until the end is counted as not sent', async () => {
    const bench = new Bench(planFor({ rate: 10, inFlight: 1, timeout: 300 }), () => Infinity);
    const { totals } = await bench.run(5000);
    assert.deepEqual([totals.sent, totals.unanswered, totals.unsent], [1, 1, 9]);
  });

  it('what was due in time is still sent when there is room again', async () => {
    const bench = new Bench(planFor({ rate: 10, inFlight: 1 }), (now) => (now < 900 ? 1100 - now : 1));
    const { totals } = await bench.run(5000);
    assert.deepEqual([totals.sent, totals.answered, totals.unsent], [10, 10, 0]);
    assert.deepEqual(bench.percentiles(100), [1100]);
  });

  it('a thread begins where its turn is', async () => {
    const bench = new Bench(planFor({ rate: 10, phase: 0.5 }));
    await bench.start();
    await bench.clock.advanceTo(49);
    assert.equal(bench.first.sent, 0);
    await bench.clock.advanceTo(50);
    assert.equal(bench.first.sent, 1);
    await bench.until(5000);
  });
});

describe('without a rate', () => {
  it('each connection has its messages in flight, and sends the next when one is answered', async () => {
    const bench = new Bench(planFor({ connections: 2, inFlight: 3, duration: 100 }));
    await bench.start();
    assert.deepEqual(
      bench.links.links.map(({ sent }) => sent),
      [3, 3],
    );
    const { totals } = await bench.until(5000);
    // Sent at 0, 10 … 90; at 100 it is over, and what is on its way is waited for.
    assert.deepEqual([totals.sent, totals.answered], [60, 60]);
    assert.equal(totals.answers, 54);
    assert.equal(totals.window, 100);
    assert.deepEqual(bench.percentiles(1, 100), [10, 10]);
  });

  it('the warm-up is not measured', async () => {
    const bench = new Bench(planFor({ warmup: 500, duration: 500 }), (now) => (now < 500 ? 100 : 10));
    const { totals } = await bench.run(5000);
    assert.deepEqual(bench.events, ['measuring at 500', 'sent at 1000']);
    assert.deepEqual(bench.percentiles(1, 100), [10, 10]);
    assert.equal(totals.sent, 50);
    assert.equal(totals.window, 500);
  });

  it('ends after so many messages', async () => {
    const bench = new Bench(planFor({ duration: Infinity, messages: 7, warmup: 25, inFlight: 2 }));
    const { totals, ending } = await bench.run(5000);
    assert.deepEqual(ending, { how: 'complete' });
    assert.deepEqual([totals.sent, totals.answered, totals.unanswered], [7, 7, 0]);
  });

  it('tells what was answered in each interval, and what was answered after', async () => {
    const bench = new Bench(planFor({ duration: 1000, interval: 250 }), (now) => (now >= 300 && now < 700 ? 400 : 50));
    await bench.run(5000);
    assert.deepEqual(
      bench.intervals.map(({ index, answers, latency }) => [index, answers, latency.count]),
      [
        // Answers at 50, 100, 150, 200; at 250, 300; none from 500 to 700; at 700, then at 750 …
        [0, 4, 4],
        [1, 2, 2],
        [2, 1, 1],
        [3, 5, 5],
        [-1, 0, 1],
      ],
    );
  });
});

describe('a connection that is lost', () => {
  it('takes its messages with it; the others go on', async () => {
    const bench = new Bench(planFor({ connections: 2, inFlight: 2, duration: 100 }));
    await bench.start();
    await bench.clock.advanceTo(55);
    bench.first.observer.onLost('close 1001', 'going away');
    bench.first.observer.onAnswer = () => {};
    const { totals, lost, ending } = await bench.until(5000);
    assert.deepEqual(ending, { how: 'complete' });
    assert.deepEqual(lost, [{ key: 'close 1001', count: 1, message: 'going away' }]);
    assert.deepEqual([totals.sent, totals.answered, totals.unanswered], [32, 30, 2]);
  });

  it('ends the run where it was the last', async () => {
    const bench = new Bench(planFor({}), () => Infinity);
    await bench.start();
    await bench.clock.advanceTo(100);
    bench.first.observer.onLost('ECONNRESET', '');
    const { totals, ending } = await bench.until(100);
    assert.deepEqual(ending, { how: 'lost' });
    assert.equal(totals.window, 100);
  });

  it('before the run there is nothing to run', async () => {
    const bench = new Bench(planFor({}));
    await bench.load.connect();
    bench.first.observer.onLost('close 1008', '');
    const { totals, ending, lost } = await bench.load.run();
    assert.deepEqual(ending, { how: 'lost' });
    assert.equal(lost.length, 1);
    assert.equal(totals.sent, 0);
  });

  it('is told once', async () => {
    const bench = new Bench(planFor({ connections: 2 }));
    await bench.start();
    bench.first.observer.onLost('PB_UTF8_INVALID', '');
    bench.first.observer.onLost('close 1007', '');
    assert.equal((await bench.until(5000)).lost.length, 1);
  });
});

describe('the end', () => {
  it('comes when somebody wants it; what is on its way is waited for', async () => {
    const bench = new Bench(planFor({ connections: 4, duration: 60_000 }), () => 20);
    await bench.start();
    await bench.clock.advanceTo(110);
    bench.load.stop();
    const { totals, ending } = await bench.until(131);
    assert.deepEqual(ending, { how: 'stopped' });
    assert.equal(totals.window, 110);
    assert.deepEqual([totals.sent, totals.answered], [24, 24]);
  });

  it('comes at once when it is wanted twice', async () => {
    const bench = new Bench(planFor({ duration: 60_000 }), () => Infinity);
    await bench.start();
    bench.load.stop();
    bench.load.stop();
    const { ending, totals } = await bench.until(0);
    assert.deepEqual(ending, { how: 'stopped' });
    assert.equal(totals.unanswered, 1);
  });

  it('comes before anything is sent where it was wanted while connections were opened', async () => {
    const bench = new Bench(planFor({ connections: 10, connectRate: 1 }));
    const opening = bench.load.connect();
    await bench.clock.advanceTo(2500);
    bench.load.stop();
    await bench.clock.advanceTo(3000);
    const { asked, opened } = await opening;
    assert.deepEqual([asked, opened], [3, 3]);
    const { ending, totals } = await bench.load.run();
    assert.deepEqual(ending, { how: 'stopped' });
    assert.equal(totals.sent, 0);
  });

  it('comes with an answer that is none', async () => {
    const bench = new Bench(planFor({ connections: 2 }));
    await bench.start();
    await bench.clock.advanceTo(50);
    bench.first.observer.onMismatch('received 3 bytes');
    const { ending } = await bench.until(50);
    assert.deepEqual(ending, { how: 'mismatch', message: 'received 3 bytes' });
  });

  it('closes every connection', async () => {
    const bench = new Bench(planFor({ connections: 3, duration: 100 }));
    await bench.run(5000);
    assert.deepEqual(
      bench.links.links.map(({ hasEnded }) => hasEnded),
      [false, false, false],
    );
    await bench.load.disconnect();
    assert.deepEqual(
      bench.links.links.map(({ hasEnded }) => hasEnded),
      [true, true, true],
    );
  });
});

describe('errors', () => {
  it('count by their code, and the connection goes on', async () => {
    const bench = new Bench(planFor({ duration: 50 }), () => Infinity);
    await bench.start();
    for (let failed = 0; failed < 3; failed++) bench.first.observer.onError('status 503', 'busy');
    bench.first.observer.onAnswer(32);
    assert.equal(bench.first.sent, 5);
    const { totals } = await bench.until(5000);
    assert.deepEqual(totals.errors, [{ key: 'status 503', count: 3, message: 'busy' }]);
    assert.deepEqual([totals.sent, totals.answered, totals.unanswered], [5, 1, 1]);
  });
});

describe('connections', () => {
  it('are opened at their rate, and how long each takes is measured', async () => {
    const bench = new Bench(planFor({ connections: 5, connectRate: 10 }));
    const opening = bench.load.connect();
    await bench.clock.advanceTo(199);
    assert.equal(bench.load.open, 2);
    await bench.clock.advanceTo(400);
    const { asked, opened, time, failed, timeToOpen } = await opening;
    assert.deepEqual([asked, opened, time, failed], [5, 5, 400, []]);
    assert.equal(timeToOpen.count, 5);
  });

  it('that fail are counted by their reason', async () => {
    const clock = new FakeClock();
    let attempts = 0;
    const maker = {
      async open(): Promise<never> {
        const code = ++attempts === 1 ? 'ENOENT' : 'EMFILE';
        throw Object.assign(new Error(`no: ${code}`), { code });
      },
    };
    const sink = { onInterval: () => {}, onMeasuring: () => {}, onSent: () => {} };
    const load = new Load(planFor({ connections: 3 }), maker, clock, sink);
    const { opened, failed } = await load.connect();
    assert.equal(opened, 0);
    assert.deepEqual(failed, [
      { key: 'EMFILE', count: 2, message: 'no: EMFILE' },
      { key: 'ENOENT', count: 1, message: 'no: ENOENT' },
    ]);
    assert.deepEqual((await load.run()).ending, { how: 'lost' });
  });

  it('are only held where nothing is to be sent', async () => {
    const bench = new Bench(planFor({ connections: 3, idle: true }));
    const { totals, ending } = await bench.run(1000);
    assert.deepEqual(ending, { how: 'complete' });
    assert.deepEqual([totals.sent, totals.window, bench.first.sent], [0, 1000, 0]);
  });
});
