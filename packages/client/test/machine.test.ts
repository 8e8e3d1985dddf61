// When to connect, by what, and when to give up: decided without a clock, a socket or luck.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TransportName } from '@pulsebeacon/client';
import type { Ending, EndingKind } from '#dist/connection/ending.js';
import { ConnectionMachine, type MachineOptions } from '#dist/connection/machine.js';

const HEARTBEAT = 3000;

/** A machine with a clock and a die of its own, and a log of what it has done. */
class Bench {
  time = 0;
  luck = 0.5;
  readonly log: string[] = [];
  readonly machine: ConnectionMachine;
  /** The link that was opened last. */
  link = 0;
  transport: TransportName | undefined;

  constructor(options: Partial<MachineOptions> = {}) {
    const all: MachineOptions = {
      ladder: ['websocket', 'ndjson', 'sse', 'poll'],
      first: undefined,
      backoff: { base: 500, cap: 30_000 },
      openTimeout: 4500,
      upgradeAfter: 30_000,
      pollWait: 3000,
      ...options,
    };
    this.machine = new ConnectionMachine(all, {
      now: () => this.time,
      random: () => this.luck,
      open: (link, transport) => {
        this.link = link;
        this.transport = transport;
        this.log.push(`open ${transport}`);
      },
      close: () => this.log.push('close'),
      use: (_, transport) => this.log.push(`use ${transport}`),
      forgetSession: () => this.log.push('forget session'),
      changed: () => {},
      stopped: ({ reason }) => this.log.push(`stopped: ${reason}`),
    });
  }

  /** What was done since this was asked last. */
  done(): string[] {
    return this.log.splice(0);
  }

  /** Has it opened, and welcomed. */
  welcome(): this {
    this.machine.onWelcome(this.link, HEARTBEAT);
    return this;
  }

  end(kind: EndingKind, more: Partial<Ending> = {}): this {
    this.machine.onEnd(this.link, { kind, reason: kind, ...more });
    return this;
  }

  /** Time passes, and the machine is called when it wants to be. Links say something all the while, unless they are mute. */
  pass(ms: number, isMute = false): this {
    const end = this.time + ms;
    for (;;) {
      if (!isMute) this.machine.onSign(this.current);
      const { deadline } = this.machine;
      if (deadline === undefined || deadline > end) break;
      this.time = Math.max(this.time, isMute ? deadline : Math.min(deadline, this.time + HEARTBEAT));
      if (!isMute) this.machine.onSign(this.current);
      this.machine.tick();
    }
    this.time = end;
    if (!isMute) this.machine.onSign(this.current);
    return this;
  }

  current = 0;

  /** Connected by a transport. */
  static online(transport: TransportName, options: Partial<MachineOptions> = {}): Bench {
    const bench = new Bench({ first: transport, ...options });
    bench.machine.start();
    bench.welcome().current = bench.link;
    bench.done();
    return bench;
  }
}

describe('opening', () => {
  test('the best transport comes first, and is used once it has welcomed', () => {
    const bench = new Bench();
    bench.machine.start();
    assert.equal(bench.machine.state, 'connecting');
    bench.welcome();
    assert.deepEqual(bench.done(), ['open websocket', 'use websocket']);
    assert.equal(bench.machine.state, 'online');
  });

  test('what was remembered comes first', () => {
    const bench = new Bench({ first: 'sse' });
    bench.machine.start();
    assert.deepEqual(bench.done(), ['open sse']);
  });

  test('what is blocked gives way to the next at once, down to the last', () => {
    const bench = new Bench();
    bench.machine.start();
    bench.end('blocked').end('blocked').end('cut').welcome();
    assert.deepEqual(bench.done(), ['open websocket', 'open ndjson', 'open sse', 'open poll', 'use poll']);
  });

  test('what says nothing within the time gives way, too', () => {
    const bench = new Bench();
    bench.machine.start();
    bench.pass(4499, true);
    assert.deepEqual(bench.done(), ['open websocket']);
    bench.pass(1, true);
    assert.deepEqual(bench.done(), ['close', 'open ndjson']);
    // An answer has begun: that counts, but its welcome has to come.
    bench.pass(4000, true).machine.onSign(bench.link);
    bench.pass(4000, true);
    assert.deepEqual(bench.done(), []);
    bench.pass(500, true);
    assert.deepEqual(bench.done(), ['close', 'open sse']);
  });

  test('where nothing gets through, it waits, begins anew, and is more patient', () => {
    const bench = new Bench();
    bench.machine.start();
    for (let at = 0; at < 4; at++) bench.end('blocked');
    assert.deepEqual(bench.done(), ['open websocket', 'open ndjson', 'open sse', 'open poll']);
    assert.equal(bench.machine.retryAt, 250);
    bench.pass(250, true);
    assert.deepEqual(bench.done(), ['open websocket']);
    assert.equal(bench.machine.deadline, 250 + 9000);
  });
});

describe('coming back', () => {
  test('waits grow, with full jitter, up to the cap', () => {
    const bench = new Bench({ ladder: ['websocket'] });
    bench.machine.start();
    const waits: number[] = [];
    for (let at = 0; at < 9; at++) {
      bench.end('unreachable');
      waits.push(bench.machine.retryAt! - bench.time);
      bench.time = bench.machine.retryAt!;
      bench.machine.tick();
    }
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    assert.equal(bench.machine.state, 'offline');
    bench.luck = 0;
    bench.end('unreachable');
    assert.equal(bench.machine.retryAt, bench.time);
  });

  test('by a lesser transport because nothing had answered at all: a better one is tried soon', () => {
    const bench = Bench.online('websocket');
    bench.end('cut');
    for (let at = 0; at < 2; at++) {
      bench.time = bench.machine.retryAt!;
      bench.machine.tick();
      bench.end('unreachable');
    }
    bench.time = bench.machine.retryAt!;
    bench.machine.tick();
    bench.welcome();
    assert.deepEqual(bench.done(), ['open websocket', 'open websocket', 'open ndjson', 'use ndjson']);
    bench.pass(1500);
    bench.welcome();
    assert.deepEqual(bench.done(), ['open websocket', 'close', 'use websocket']);
  });

  test('Retry-After and bye are honoured, with a little jitter', () => {
    const bench = Bench.online('websocket');
    bench.end('later', { retryAfter: 1400 });
    assert.equal(bench.machine.state, 'recovering');
    assert.equal(bench.machine.retryAt, 1400 + 250);
    bench.pass(1650, true);
    assert.deepEqual(bench.done(), ['open websocket']);
  });

  test('after a cut, the same transport comes back', () => {
    const bench = Bench.online('ndjson', { ladder: ['ndjson', 'sse'] });
    bench.pass(20_000).end('cut').pass(250, true);
    assert.deepEqual(bench.done(), ['open ndjson']);
  });

  test('a transport that is cut at once, again and again, gives way', () => {
    const bench = Bench.online('websocket');
    for (let at = 0; at < 3; at++) {
      bench.pass(1000).end('cut');
      bench.time = bench.machine.retryAt!;
      bench.machine.tick();
      if (at < 2) bench.welcome().current = bench.link;
    }
    assert.equal(bench.transport, 'ndjson');
  });

  test('the network is back, or the page is seen: no waiting', () => {
    const bench = new Bench({ ladder: ['websocket'] });
    bench.machine.start();
    for (let at = 0; at < 6; at++) {
      bench.end('unreachable');
      if (at < 5) bench.pass(bench.machine.retryAt! - bench.time, true);
    }
    bench.done();
    bench.machine.wake('the page is seen again');
    assert.deepEqual(bench.done(), ['open websocket']);
    bench.end('unreachable');
    assert.equal(bench.machine.retryAt! - bench.time, 250);
  });

  test('after a sleep, a link that was silent is replaced beside it', () => {
    const bench = Bench.online('websocket');
    bench.machine.wake('awake');
    assert.deepEqual(bench.done(), []);
    bench.time += 4000;
    bench.machine.wake('awake');
    assert.deepEqual(bench.done(), ['open websocket']);
    bench.welcome();
    assert.deepEqual(bench.done(), ['close', 'use websocket']);
  });

  test('a timer that was late gives what arrived meanwhile a second to be read', () => {
    const bench = Bench.online('websocket');
    bench.time += 20_000;
    bench.machine.tick(15_000);
    assert.deepEqual(bench.done(), []);
    bench.pass(1000, true);
    assert.deepEqual(bench.done(), ['close', 'open ndjson']);
  });
});

describe('a link that stalls', () => {
  test('is given up after 1.5 heartbeats, within 5 s, and the next one down is tried at once', () => {
    const bench = Bench.online('websocket');
    bench.pass(4499, true);
    assert.deepEqual(bench.done(), []);
    bench.pass(1, true);
    assert.deepEqual(bench.done(), ['close', 'open ndjson']);
    assert.equal(bench.machine.state, 'recovering');
    assert.match(bench.machine.reason, /nothing has arrived by websocket for 4\.5 s/);
  });

  test('a poll may be silent for 1.5 times as long as it waits, and for the way there and back', () => {
    const bench = new Bench({ ladder: ['poll'] });
    bench.machine.start();
    bench.pass(400).welcome();
    bench.done();
    bench.pass(4500 + 399, true);
    assert.deepEqual(bench.done(), []);
    bench.pass(1, true);
    assert.deepEqual(bench.done(), ['close', 'open poll']);
  });
});

describe('up again', () => {
  test('the best is tried beside the one in use, which goes once it has welcomed', () => {
    const bench = Bench.online('poll');
    bench.pass(29_999);
    assert.deepEqual(bench.done(), []);
    bench.pass(1);
    assert.deepEqual(bench.done(), ['open websocket']);
    bench.welcome();
    assert.deepEqual(bench.done(), ['close', 'use websocket']);
    assert.equal(bench.machine.state, 'online');
  });

  test('then those between, and then later and later', () => {
    const bench = Bench.online('poll');
    bench.pass(30_000).end('blocked').end('blocked').end('blocked');
    assert.deepEqual(bench.done(), ['open websocket', 'open ndjson', 'open sse']);
    assert.equal(bench.machine.state, 'online');
    bench.pass(59_999);
    assert.deepEqual(bench.done(), []);
    bench.pass(1);
    assert.deepEqual(bench.done(), ['open websocket']);
  });

  test('one that stalls soon after is left alone for longer', () => {
    const bench = Bench.online('ndjson');
    bench.pass(30_000).welcome().current = bench.link;
    bench.done();
    bench.pass(5000, true);
    assert.deepEqual(bench.done(), ['close', 'open ndjson']);
    bench.welcome().current = bench.link;
    bench.done();
    bench.pass(59_000);
    assert.deepEqual(bench.done(), []);
    bench.pass(1000);
    assert.deepEqual(bench.done(), ['open websocket']);
  });

  test('on another network, soon', () => {
    const bench = Bench.online('poll');
    bench.machine.networkChanged('the network is back');
    bench.pass(1500);
    assert.deepEqual(bench.done(), ['open websocket']);
  });

  test('where the one in use is lost meanwhile, the other is what is waited for', () => {
    const bench = Bench.online('poll');
    bench.pass(30_000);
    bench.machine.onEnd(bench.current, { kind: 'cut', reason: 'cut' });
    assert.equal(bench.machine.state, 'recovering');
    bench.welcome();
    assert.deepEqual(bench.done(), ['open websocket', 'use websocket']);
  });
});

describe('another link for the same', () => {
  test('takes its place, and where there is none, nothing is lost', () => {
    const bench = Bench.online('websocket');
    bench.machine.renew('probe');
    bench.end('unreachable');
    assert.deepEqual([bench.done(), bench.machine.state], [['open websocket'], 'online']);
    bench.machine.renew('probe');
    bench.machine.renew('probe');
    bench.welcome();
    assert.deepEqual(bench.done(), ['open websocket', 'close', 'use websocket']);
  });

  test('that other channels are opened for: where there is none, the way back is that after a loss', () => {
    const bench = Bench.online('ndjson');
    bench.machine.renew('renew');
    bench.end('unreachable');
    assert.deepEqual(bench.done(), ['open ndjson', 'close']);
    assert.equal(bench.machine.state, 'recovering');
    assert.equal(bench.machine.retryAt, 250);
  });
});

describe('giving up', () => {
  test('on what cannot succeed, and says why', () => {
    const bench = new Bench();
    bench.machine.start();
    bench.end('refused', { reason: 'the server answers 403' });
    assert.deepEqual(bench.done(), ['open websocket', 'stopped: the server answers 403']);
    assert.deepEqual([bench.machine.state, bench.machine.deadline], ['offline', undefined]);
    bench.machine.wake('the page is seen again');
    assert.deepEqual(bench.done(), []);
    bench.machine.start();
    assert.deepEqual(bench.done(), ['open websocket']);
  });

  test('a session that is over begins anew, once', () => {
    const bench = new Bench();
    bench.machine.start();
    bench.end('session');
    assert.deepEqual(bench.done(), ['open websocket', 'forget session', 'open websocket']);
    bench.end('session');
    assert.deepEqual(bench.done(), ['stopped: session']);
    const other = Bench.online('websocket');
    other.end('session').pass(0, true);
    assert.deepEqual(other.done(), ['forget session', 'open websocket']);
  });
});
