import type { Clock } from './clock.ts';
import { Lane, type LaneOwner, LaneQueue } from './lane.ts';
import type { LinkMaker } from './link.ts';
import { Meter, type MeterSink, type Totals } from './meter.ts';
import { openAll, type OpeningCounts } from './openings.ts';
import type { LoadPlan } from './plan.ts';
import { type Reason, Reasons } from './reasons.ts';
import { Schedule } from './schedule.ts';

/** How a run came to its end. */
export type Ending =
  /** All that was asked for. */
  | { readonly how: 'complete' }
  /** Somebody wanted it to end. */
  | { readonly how: 'stopped' }
  /** Every connection was lost on the way. */
  | { readonly how: 'lost' }
  /** What is there does not answer as it would have to. */
  | { readonly how: 'mismatch'; readonly message: string };

/** What a run has come to. */
export interface LoadOutcome {
  readonly totals: Totals;
  readonly ending: Ending;
  /** Connections that ended before we ended them: by close code, or by what happened. */
  readonly lost: readonly Reason[];
}

/** Who wants it to end does not wait for long. */
const STOP_TIMEOUT_MS = 1000;

export interface LoadSink extends MeterSink {
  /** What is measured begins now. */
  onMeasuring(): void;
  /** Nothing more is sent; answers that are on their way are waited for. */
  onSent(): void;
}

/**
 * The load of one thread: opens connections, sends, and measures what comes back.
 *
 * Without a rate every connection has its messages in flight, and sends the next when one is answered (a closed loop).
 * With a rate a schedule says when messages are due, whatever the server does (an open loop); whichever connection has
 * room takes the next, and where none has, what is due waits, and its latency with it.
 */
export class Load implements LaneOwner {
  private readonly plan: LoadPlan;
  private readonly maker: LinkMaker;
  private readonly clock: Clock;
  private readonly sink: LoadSink;
  private readonly lanes = new Set<Lane>();
  private readonly free: LaneQueue = new LaneQueue();
  private readonly lost = new Reasons();
  private meter: Meter | undefined;
  private schedule: Schedule | undefined;
  private phase: 'opening' | 'sending' | 'waiting' | 'over' = 'opening';
  /** How it ends, once everything on its way is answered. */
  private ending: Ending = { how: 'complete' };
  /** What ends the run as soon as it begins. */
  private early: Ending | undefined;
  private onEndedEarly!: () => void;
  private readonly endedEarly = new Promise<void>((resolve) => (this.onEndedEarly = resolve));
  /** Messages that may still be sent, of those that are measured. */
  private quota: number;
  /** Everything that is due was blocked by connections without room. */
  private isBlocked = false;
  private cancelPace: (() => void) | undefined;
  private readonly cancels: (() => void)[] = [];
  private finish: ((ending: Ending) => void) | undefined;

  constructor(plan: LoadPlan, maker: LinkMaker, clock: Clock, sink: LoadSink) {
    this.plan = plan;
    this.maker = maker;
    this.clock = clock;
    this.sink = sink;
    this.quota = plan.messages;
  }

  /** How many connections are open. */
  get open(): number {
    return this.lanes.size;
  }

  /** Messages answered so far, the warm-up included. */
  get answered(): number {
    return this.meter?.answeredInAll ?? 0;
  }

  /** Opens the connections. */
  async connect(): Promise<OpeningCounts> {
    return openAll(this.plan, this.clock, {
      open: async () => {
        const lane = new Lane(this, this.plan.inFlight);
        const link = await this.maker.open(lane);
        if (lane.isOver) return;
        lane.link = link;
        this.lanes.add(lane);
      },
      stopped: this.endedEarly,
    });
  }

  /** Sends and measures, until the plan is fulfilled or nothing more can be done; leaves the connections open. */
  async run(): Promise<LoadOutcome> {
    const { warmup, duration, interval, timeout } = this.plan;
    const begin = this.clock.now();
    const measured = begin + warmup;
    const end = measured + duration;
    const meter = (this.meter = new Meter(measured, end, interval, this.sink));
    const ending = new Promise<Ending>((resolve) => (this.finish = resolve));
    this.wakeAt(measured, () => this.sink.onMeasuring());
    if (end !== Infinity) this.wakeAt(end, () => this.stopSending({ how: 'complete' }, timeout));
    this.phase = 'sending';
    if (this.early !== undefined) this.over(this.early);
    else if (this.lanes.size === 0) this.over({ how: 'lost' });
    else if (!this.plan.idle) this.startSending(begin, end);
    const how = await ending;
    return { totals: meter.close(this.unsent()), ending: how, lost: this.lost.list() };
  }

  /** Ends early: what was measured counts. What is on its way may still be answered, unless this is called again. */
  stop(): void {
    if (this.phase === 'sending') this.stopSending({ how: 'stopped' }, Math.min(STOP_TIMEOUT_MS, this.plan.timeout));
    else this.endEarly({ how: 'stopped' });
  }

  /** Closes all connections. */
  async disconnect(): Promise<void> {
    this.phase = 'over';
    await Promise.all(Array.from(this.lanes, async ({ link }) => link?.end()));
  }

  /** A message of a lane is answered. */
  onAnswer(lane: Lane, due: number, bytes: number): void {
    const now = this.clock.now();
    this.meter!.answer(now, due, bytes);
    this.onRoom(lane, now);
  }

  onError(lane: Lane, due: number, code: string, message: string): void {
    const now = this.clock.now();
    this.meter!.error(due, code, message);
    this.onRoom(lane, now);
  }

  /** A lane is over, and the messages on it are lost. */
  onLost(lane: Lane, code: string, message: string): void {
    this.lanes.delete(lane);
    if (this.phase === 'over') return;
    this.lost.add(code, message);
    if (this.phase === 'opening') return;
    this.meter!.lost(lane.dues());
    if (this.lanes.size === 0) this.over({ how: 'lost' });
    else this.finishIfDone();
  }

  onMismatch(message: string): void {
    this.endEarly({ how: 'mismatch', message });
  }

  private endEarly(ending: Ending): void {
    if (this.phase !== 'opening') return this.over(ending);
    this.early ??= ending;
    return this.onEndedEarly();
  }

  private startSending(begin: number, end: number): void {
    const { rate, phase, inFlight } = this.plan;
    if (rate > 0) {
      this.schedule = new Schedule(rate, begin + (phase * 1000) / rate, end);
      for (const lane of this.lanes) this.free.add(lane);
      this.pump(begin);
      return;
    }
    for (const lane of this.lanes) {
      for (let sent = 0; sent < inFlight && this.sendOn(lane, this.clock.now()); sent++);
    }
  }

  private onRoom(lane: Lane, now: number): void {
    if (this.schedule !== undefined && this.phase !== 'over') {
      this.free.add(lane);
      if (this.isBlocked) this.pump(now);
    } else if (this.phase === 'sending') {
      this.sendOn(lane, now);
    }
    this.finishIfDone();
  }

  /** Sends one message that was due at `due`. @returns false where it cannot be sent */
  private sendOn(lane: Lane, due: number): boolean {
    if (this.quota <= 0) return false;
    const isMeasured = this.meter!.isMeasured(due);
    if (!lane.send(due)) return false;
    this.meter!.sent(isMeasured);
    if (isMeasured && --this.quota === 0) this.stopSending({ how: 'complete' }, this.plan.timeout);
    return true;
  }

  /** Sends all that is due, as far as there is room, and comes back when the next is due. */
  private pump(now: number): void {
    const schedule = this.schedule!;
    const wasBlocked = this.isBlocked;
    this.isBlocked = false;
    while (this.quota > 0 && schedule.nextDue <= now) {
      const lane = this.free.take();
      if (lane === undefined) {
        this.isBlocked = true;
        return;
      }
      if (!this.lanes.has(lane) || !lane.hasRoom) continue;
      const due = schedule.nextDue;
      if (!this.sendOn(lane, this.plan.precise ? due : now)) continue;
      schedule.take();
      // Late because of us, not because of the server.
      if (wasBlocked) this.meter!.waited(due);
      else this.meter!.lateness(now, due);
      if (lane.hasRoom) this.free.add(lane);
    }
    this.pace();
  }

  private pace(): void {
    const { nextDue } = this.schedule!;
    this.cancelPace?.();
    this.cancelPace = undefined;
    if (nextDue === Infinity || this.quota <= 0 || this.phase === 'over') return;
    this.cancelPace = this.clock.wake(nextDue, () => this.pump(this.clock.now()), this.plan.precise);
  }

  /** From here on nothing more becomes due; what is due and has found no room yet is still sent. */
  private stopSending(ending: Ending, timeout: number): void {
    if (this.phase !== 'sending') return;
    const now = this.clock.now();
    this.phase = 'waiting';
    this.ending = ending;
    this.schedule?.endAt(now);
    this.endWindow(now);
    if (this.plan.idle) this.over(ending);
    else this.wakeAt(now + timeout, () => this.over(ending));
    this.finishIfDone();
  }

  private finishIfDone(): void {
    if (this.phase === 'waiting' && this.meter!.inFlight === 0 && this.unsent() === 0) this.over(this.ending);
  }

  /** Messages that are due and were not sent. */
  private unsent(): number {
    if (this.quota <= 0 || this.schedule === undefined) return 0;
    return this.schedule.waiting(this.clock.now());
  }

  private over(ending: Ending): void {
    if (this.phase === 'over') return;
    if (this.phase === 'sending') this.endWindow(this.clock.now());
    this.phase = 'over';
    this.cancelPace?.();
    for (const cancel of this.cancels) cancel();
    this.finish!(ending);
  }

  private endWindow(now: number): void {
    this.meter!.endWindow(now);
    this.sink.onSent();
  }

  private wakeAt(at: number, callback: () => void): void {
    this.cancels.push(this.clock.wake(at, callback));
  }
}
