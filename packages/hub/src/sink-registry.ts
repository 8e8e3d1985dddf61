import type { Publication } from '@pulsebeacon/wire';
import type { BrokerSink } from './broker.ts';

interface Subscription {
  readonly sink: BrokerSink;
  /** The offset of the newest publication that it is not to be told of. */
  readonly after: number;
  active: boolean;
}

/**
 * The sinks of one process, for brokers: who follows which channel. It keeps what a sink was promised: calls come one at a
 * time and in order, whatever sinks do within them, and none after `delete`. What one throws is thrown again in a
 * microtask, where others do not hear it.
 */
export class SinkRegistry {
  private readonly channels = new Map<string, readonly Subscription[]>();
  private telling = false;
  /** What came up while sinks were being told of something else. */
  private waiting: (() => void)[] = [];

  has(channel: string): boolean {
    return this.channels.has(channel);
  }

  /**
   * From now on the sink is told of publications with offsets above `after`. A sink that follows the channel already
   * begins anew.
   * @param first what it is told before everything else
   */
  add(channel: string, sink: BrokerSink, after: number, first: readonly Publication[] | 'gap' = []): void {
    this.delete(channel, sink);
    const subscription = { sink, after, active: true };
    this.channels.set(channel, [...(this.channels.get(channel) ?? []), subscription]);
    if (first.length > 0) this.inTurn(() => begin(subscription, first));
  }

  delete(channel: string, sink: BrokerSink): void {
    const subscriptions = this.channels.get(channel);
    const subscription = subscriptions?.find((candidate) => candidate.sink === sink);
    if (subscriptions === undefined || subscription === undefined) return;
    subscription.active = false;
    // Never changed in place: somebody may be going through it.
    if (subscriptions.length === 1) this.channels.delete(channel);
    else
      this.channels.set(
        channel,
        subscriptions.filter((other) => other !== subscription),
      );
  }

  publication(publication: Publication): void {
    if (this.telling) {
      this.waiting.push(() => this.tellAll(publication));
      return;
    }
    this.telling = true;
    this.tellAll(publication);
    this.settle();
  }

  gap(channel: string): void {
    this.inTurn(() => this.forEach(channel, (sink) => sink.gap()));
  }

  signal(channel: string, data: string): void {
    if (this.channels.has(channel)) this.inTurn(() => this.forEach(channel, (sink) => sink.signal(data)));
  }

  clear(): void {
    for (const subscriptions of this.channels.values()) {
      for (const subscription of subscriptions) subscription.active = false;
    }
    this.channels.clear();
  }

  private inTurn(task: () => void): void {
    if (this.telling) {
      this.waiting.push(task);
      return;
    }
    this.telling = true;
    task();
    this.settle();
  }

  /** Does what came up meanwhile, and what comes up with that. */
  private settle(): void {
    while (this.waiting.length > 0) {
      const tasks = this.waiting;
      this.waiting = [];
      for (const task of tasks) task();
    }
    this.telling = false;
  }

  private tellAll(publication: Publication): void {
    const subscriptions = this.channels.get(publication.channel);
    if (subscriptions === undefined) return;
    for (let i = 0; i < subscriptions.length; i++) tell(subscriptions[i]!, publication);
  }

  private forEach(channel: string, call: (sink: BrokerSink) => void): void {
    for (const subscription of this.channels.get(channel) ?? []) {
      if (subscription.active) guard(() => call(subscription.sink));
    }
  }
}

function begin(subscription: Subscription, first: readonly Publication[] | 'gap'): void {
  if (first === 'gap') {
    if (subscription.active) guard(() => subscription.sink.gap());
    return;
  }
  for (const publication of first) {
    if (!subscription.active) return;
    guard(() => subscription.sink.publication(publication));
  }
}

function tell({ sink, after, active }: Subscription, publication: Publication): void {
  if (!active || publication.offset <= after) return;
  try {
    sink.publication(publication);
  } catch (error) {
    report(error);
  }
}

function guard(call: () => void): void {
  try {
    call();
  } catch (error) {
    report(error);
  }
}

function report(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
