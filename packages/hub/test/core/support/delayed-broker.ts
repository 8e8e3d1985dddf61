import { type Awaitable, type Broker, type BrokerGuarantees, type BrokerSink, MemoryBroker } from '@pulsebeacon/hub';
import type { HistoryPage, HistoryQuery, Lease, NewPublication, PublishOptions, Receipt } from '@pulsebeacon/hub';
import type { Publication } from '@pulsebeacon/wire';

type Event = { readonly publication: Publication } | { readonly signal: string } | 'gap';

interface Line {
  readonly inner: BrokerSink;
  readonly events: Event[];
}

/**
 * A memory broker at the other end of a network: everything takes two steps, to be carried out there and to be answered,
 * and so does what sinks are told. The test says which step is next.
 */
export class DelayedBroker implements Broker {
  readonly guarantees: BrokerGuarantees = { durable: false, recoverable: true };
  readonly inner: MemoryBroker;
  /** What can happen next, in any order. */
  readonly steps: (() => void)[] = [];
  private readonly lines = new Map<string, Map<BrokerSink, Line>>();

  constructor(inner: MemoryBroker = new MemoryBroker()) {
    this.inner = inner;
  }

  /** Lets one step happen. */
  step(index = 0): void {
    if (this.steps.length === 0) return;
    this.steps.splice(index % this.steps.length, 1)[0]!();
  }

  /** Lets everything happen, and what comes of it. */
  async settle(): Promise<void> {
    do {
      while (this.steps.length > 0) this.step();
      await turn();
    } while (this.steps.length > 0);
  }

  /** The connection is lost and comes back: what was on the way to sinks is lost. */
  interrupt(channel: string): void {
    for (const line of this.lines.get(channel)?.values() ?? []) {
      line.events.length = 0;
      this.tell(line, 'gap');
    }
  }

  publish(channel: string, publication: NewPublication, options: PublishOptions): Promise<Receipt> {
    return this.call(
      () => this.inner.publish(channel, publication, options),
      () => this.catchUp(channel),
    );
  }

  subscribe(channel: string, sink: BrokerSink): Promise<void> {
    const line: Line = {
      events: [],
      inner: {
        publication: (publication) => this.tell(line, { publication }),
        signal: (signal) => this.tell(line, { signal }),
        gap: () => this.tell(line, 'gap'),
      },
    };
    const lines = this.lines.get(channel) ?? new Map<BrokerSink, Line>();
    this.lines.set(channel, lines.set(sink, line));
    this.sinks.set(line, sink);
    return this.call(() => {
      if (lines.get(sink) === line) this.inner.subscribe(channel, line.inner);
    });
  }

  unsubscribe(channel: string, sink: BrokerSink): void {
    const line = this.lines.get(channel)?.get(sink);
    if (line === undefined) return;
    this.lines.get(channel)!.delete(sink);
    this.sinks.delete(line);
    this.inner.unsubscribe(channel, line.inner);
  }

  history(channel: string, query: HistoryQuery): Promise<HistoryPage> {
    return this.call(() => this.inner.history(channel, query));
  }

  signal(channel: string, data: string): Promise<void> {
    return this.call(() => this.inner.signal(channel, data));
  }

  lease(key: string, ttlMs: number, value: string): Promise<void> {
    return this.call(() => this.inner.lease(key, ttlMs, value));
  }

  release(key: string): Promise<void> {
    return this.call(() => this.inner.release(key));
  }

  leases(prefix: string): Promise<readonly Lease[]> {
    return this.call(() => this.inner.leases(prefix));
  }

  claim(key: string, ttlMs: number): Promise<boolean> {
    return this.call(() => this.inner.claim(key, ttlMs));
  }

  listen(node: string, handler: (message: string) => void): () => void {
    return this.inner.listen(node, handler);
  }

  notify(node: string, message: string): void {
    this.inner.notify(node, message);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private readonly sinks = new Map<Line, BrokerSink>();

  private call<T>(carryOut: () => Awaitable<T>, answering?: () => void): Promise<T> {
    return new Promise((resolve) => {
      this.steps.push(() => {
        const value = carryOut();
        this.steps.push(() => {
          answering?.();
          resolve(value);
        });
      });
    });
  }

  private tell(line: Line, event: Event): void {
    line.events.push(event);
    // In order, whichever of these steps comes first.
    this.steps.push(() => this.hand(line));
  }

  private hand(line: Line): void {
    const event = line.events.shift();
    const sink = this.sinks.get(line);
    if (event === undefined || sink === undefined) return;
    if (event === 'gap') sink.gap();
    else if ('signal' in event) sink.signal(event.signal);
    else sink.publication(event.publication);
  }

  /** A node hears of its own publications at the latest when it has the receipt. */
  private catchUp(channel: string): void {
    for (const line of this.lines.get(channel)?.values() ?? []) while (line.events.length > 0) this.hand(line);
  }
}

/** All promises that can go on have gone on. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
