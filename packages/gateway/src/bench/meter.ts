import type { RecordableHistogram } from 'node:perf_hooks';
import { newHistogram, recordMs } from './latency.ts';
import { type Reason, Reasons } from './reasons.ts';

/** What was answered in one interval of the measured time. */
export interface Interval {
  /** From 0; -1 for what was answered after the measured time. */
  readonly index: number;
  readonly answers: number;
  readonly latency: RecordableHistogram;
}

export interface MeterSink {
  /** An interval is over. Those in which nothing was answered are left out. */
  onInterval(interval: Interval): void;
}

/** What became of the messages that were due in the measured time. */
export interface Totals {
  /** Milliseconds that were measured. */
  readonly window: number;
  /** Answers that came in the measured time, and their bytes. */
  readonly answers: number;
  readonly answerBytes: number;
  readonly sent: number;
  readonly answered: number;
  /** Sent, and not answered before the end. */
  readonly unanswered: number;
  /** Due, and not sent because no connection had room. */
  readonly unsent: number;
  /** Sent late, because no connection had room. */
  readonly waited: number;
  /** How late the others were sent: by that much the load itself is off its schedule. */
  readonly lateness: RecordableHistogram;
  readonly errors: readonly Reason[];
}

/** Index of the interval after the measured time. */
const AFTER = -1;

/**
 * Counts. A message is measured where it was due in the measured time; its latency reaches from when it was due, not
 * from when it was sent, to its answer.
 */
export class Meter {
  /** Messages on their way, the warm-up included. */
  inFlight = 0;
  /** Answers, the warm-up included. */
  answeredInAll = 0;
  private readonly begin: number;
  private end: number;
  private readonly interval: number;
  private readonly sink: MeterSink;
  private index = 0;
  private intervalEnd: number;
  private intervalAnswers = 0;
  private latency = newHistogram();
  private readonly latenesses = newHistogram();
  private readonly errors = new Reasons();
  private answers = 0;
  private answerBytes = 0;
  private sentCount = 0;
  private answered = 0;
  private waitedCount = 0;

  /** Measures from `begin` to `end`, which may be Infinity until {@link endWindow} says. */
  constructor(begin: number, end: number, interval: number, sink: MeterSink) {
    this.begin = begin;
    this.end = end;
    this.interval = interval;
    this.intervalEnd = begin + interval;
    this.sink = sink;
  }

  isMeasured(due: number): boolean {
    return due >= this.begin;
  }

  sent(isMeasured: boolean): void {
    this.inFlight++;
    if (isMeasured) this.sentCount++;
  }

  answer(now: number, due: number, bytes: number): void {
    this.inFlight--;
    this.answeredInAll++;
    if (now >= this.intervalEnd) this.rotate(now);
    if (now >= this.begin && now < this.end) {
      this.answers++;
      this.answerBytes += bytes;
      this.intervalAnswers++;
    }
    if (due < this.begin) return;
    this.answered++;
    recordMs(this.latency, now - due);
  }

  error(due: number, code: string, message: string): void {
    this.inFlight--;
    if (this.isMeasured(due)) this.errors.add(code, message);
  }

  /** Messages that will not be answered any more. */
  lost(dues: Iterable<number>): void {
    for (const _ of dues) this.inFlight--;
  }

  /** Sent late, because no connection had room. */
  waited(due: number): void {
    if (this.isMeasured(due)) this.waitedCount++;
  }

  /** Sent when its time had come, as nearly as could be. */
  lateness(now: number, due: number): void {
    if (this.isMeasured(due)) recordMs(this.latenesses, now - due);
  }

  /** The measured time is over; what was sent in it may still be answered. */
  endWindow(now: number): void {
    this.flush();
    this.end = Math.min(this.end, now);
    this.index = AFTER;
    this.intervalEnd = Infinity;
  }

  /** @param unsent messages that were due and never sent */
  close(unsent: number): Totals {
    this.flush();
    return {
      window: Math.max(0, this.end - this.begin),
      answers: this.answers,
      answerBytes: this.answerBytes,
      sent: this.sentCount,
      answered: this.answered,
      unanswered: this.sentCount - this.answered - this.errors.total,
      unsent,
      waited: this.waitedCount,
      lateness: this.latenesses,
      errors: this.errors.list(),
    };
  }

  private rotate(now: number): void {
    this.flush();
    this.index = Math.floor((now - this.begin) / this.interval);
    this.intervalEnd = this.begin + (this.index + 1) * this.interval;
  }

  private flush(): void {
    const { index, intervalAnswers: answers, latency } = this;
    if (answers === 0 && latency.count === 0) return;
    this.sink.onInterval({ index, answers, latency });
    this.latency = newHistogram();
    this.intervalAnswers = 0;
  }
}
