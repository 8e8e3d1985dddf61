// A load without network and without time: the clock goes when it is told to, and links answer when they are told to.
import type { Clock } from '#dist/bench/clock.js';
import type { Link, LinkMaker, LinkObserver } from '#dist/bench/link.js';
import type { LoadPlan } from '#dist/bench/plan.js';
import { readTarget } from '#dist/bench/target.js';

interface Waiting {
  readonly at: number;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  private time = 0;
  private waiting: Waiting[] = [];

  now(): number {
    return this.time;
  }

  wake(at: number, callback: () => void): () => void {
    const entry = { at, callback };
    this.waiting.push(entry);
    return () => {
      this.waiting = this.waiting.filter((other) => other !== entry);
    };
  }

  /** Lets the time go on, and whatever waits for it happen in its order. */
  async advanceTo(time: number): Promise<void> {
    for (;;) {
      // Whatever was resolved goes on first, and may wait anew.
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.waiting.reduce<Waiting | undefined>(
        (first, entry) => (entry.at <= time && (first === undefined || entry.at < first.at) ? entry : first),
        undefined,
      );
      if (next === undefined) break;
      this.waiting = this.waiting.filter((other) => other !== next);
      this.time = Math.max(this.time, next.at);
      next.callback();
    }
    this.time = time;
  }
}

export class FakeLink implements Link {
  readonly observer: LinkObserver;
  sent = 0;
  hasEnded = false;
  isFull = false;
  private readonly onSend: (link: FakeLink) => void;

  constructor(observer: LinkObserver, onSend: (link: FakeLink) => void) {
    this.observer = observer;
    this.onSend = onSend;
  }

  send(): boolean {
    if (this.isFull) return false;
    this.sent++;
    this.onSend(this);
    return true;
  }

  async end(): Promise<void> {
    this.hasEnded = true;
  }
}

export class FakeLinks implements LinkMaker {
  readonly links: FakeLink[] = [];
  private readonly onSend: (link: FakeLink) => void;

  /** @param onSend must not answer at once: no network does */
  constructor(onSend: (link: FakeLink) => void = () => {}) {
    this.onSend = onSend;
  }

  async open(observer: LinkObserver): Promise<Link> {
    const link = new FakeLink(observer, this.onSend);
    this.links.push(link);
    return link;
  }
}

/** A plan for tests: small messages, no warm-up. */
export function planFor(changes: Partial<LoadPlan> = {}): LoadPlan {
  return {
    kind: 'websocket',
    target: readTarget('ws://127.0.0.1:1/echo', undefined),
    opening: { subprotocols: [], headers: [], origin: undefined, compression: false, ca: undefined, insecure: false },
    connections: 1,
    connectRate: Infinity,
    rate: 0,
    phase: 0,
    inFlight: 1,
    payload: { size: 32, text: undefined, kind: 'text' },
    verify: true,
    idle: false,
    duration: 1000,
    messages: Infinity,
    warmup: 0,
    timeout: 1000,
    interval: 250,
    precise: true,
    ...changes,
  };
}
