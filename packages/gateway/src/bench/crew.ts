import { once } from 'node:events';
import type { RecordableHistogram } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { newHistogram } from './latency.ts';
import type { Ending, LoadOutcome } from './load.ts';
import type { Interval, Totals } from './meter.ts';
import type { OpeningCounts } from './openings.ts';
import { type LoadPlan, splitPlan } from './plan.ts';
import { type Reason, Reasons } from './reasons.ts';
import type { Order, Report } from './thread-messages.ts';

/** Where a run is, for whoever shows it. */
export interface Progress {
  readonly phase: 'opening' | 'warming up' | 'measuring' | 'waiting';
  /** Connections that are open now. */
  readonly open: number;
  /** Messages answered so far, the warm-up included. */
  readonly answered: number;
}

/** What all threads together have measured. */
export interface Run {
  readonly plan: LoadPlan;
  readonly threads: number;
  readonly opening: OpeningCounts;
  readonly totals: Totals;
  readonly ending: Ending;
  readonly lost: readonly Reason[];
  readonly latency: RecordableHistogram;
  /** The measured time, interval by interval; those in which nothing was answered are left out. */
  readonly timeline: readonly Interval[];
  /** CPU time of this process in the measured time, all threads and the kernel's part together, in milliseconds. */
  readonly cpu: number;
  /** Of the busiest thread: part of the measured time in which it had something to do, from 0 to 1. */
  readonly busy: number;
}

/**
 * Runs a plan on threads of its own, so that this one stays free.
 * @param signal ends it early; what was measured counts
 */
export async function runPlan(
  plan: LoadPlan,
  threads: number,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void = () => {},
): Promise<Run> {
  const crew = new Crew(plan, threads, onProgress);
  const stop = (): void => crew.order('stop');
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) stop();
    return await crew.run();
  } finally {
    signal.removeEventListener('abort', stop);
    await crew.leave();
  }
}

class Crew {
  private readonly plan: LoadPlan;
  private readonly members: readonly Member[];
  private readonly onProgress: (progress: Progress) => void;
  private readonly timeline = new Map<number, Interval>();
  private readonly latency = newHistogram();
  private phase: Progress['phase'] = 'opening';
  private measuring = 0;
  private sending: number;
  private cpuBefore: NodeJS.CpuUsage | undefined;
  private cpuUsed: NodeJS.CpuUsage | undefined;
  private busy = 0;

  constructor(plan: LoadPlan, threads: number, onProgress: (progress: Progress) => void) {
    this.plan = plan;
    this.onProgress = onProgress;
    this.members = splitPlan(plan, threads).map((part) => new Member(part, (report) => this.note(report)));
    this.sending = this.members.length;
  }

  order(order: Order): void {
    for (const member of this.members) member.order(order);
  }

  async run(): Promise<Run> {
    const openings = await Promise.all(this.members.map(({ opened }) => opened));
    this.phase = 'warming up';
    this.order('run');
    const outcomes = await Promise.all(this.members.map(({ outcome }) => outcome));
    const lost = new Reasons();
    for (const outcome of outcomes) lost.addAll(outcome.lost);
    const { user, system } = this.cpuUsed ?? { user: 0, system: 0 };
    return {
      plan: this.plan,
      threads: this.members.length,
      opening: mergeOpenings(openings),
      totals: mergeTotals(outcomes.map(({ totals }) => totals)),
      ending: mergeEndings(outcomes),
      lost: lost.list(),
      latency: this.latency,
      timeline: [...this.timeline.values()].sort((a, b) => a.index - b.index),
      cpu: (user + system) / 1000,
      busy: this.busy,
    };
  }

  async leave(): Promise<void> {
    await Promise.all(this.members.map(async (member) => member.leave()));
  }

  private note(report: Report): void {
    if (report.type === 'interval') this.addInterval(report.interval);
    else if (report.type === 'measuring') this.beginMeasuring();
    else if (report.type === 'sent') this.endMeasuring(report.busy);
    else if (report.type === 'outcome') this.onOutcome(report.outcome);
    else if (report.type === 'progress') this.showProgress();
  }

  private beginMeasuring(): void {
    if (this.measuring++ > 0) return;
    this.phase = 'measuring';
    this.cpuBefore = process.cpuUsage();
  }

  private endMeasuring(busy: number): void {
    this.busy = Math.max(this.busy, busy);
    if (--this.sending > 0) return;
    this.phase = 'waiting';
    if (this.cpuBefore !== undefined) this.cpuUsed = process.cpuUsage(this.cpuBefore);
  }

  /** Where one has found that the load makes no sense, the others need not go on. */
  private onOutcome({ ending }: LoadOutcome): void {
    if (ending.how === 'mismatch') this.order('stop');
  }

  private addInterval(interval: Interval): void {
    this.latency.add(interval.latency);
    if (interval.index < 0) return;
    const known = this.timeline.get(interval.index);
    if (known !== undefined) known.latency.add(interval.latency);
    const answers = (known?.answers ?? 0) + interval.answers;
    this.timeline.set(interval.index, { ...interval, answers, latency: known?.latency ?? interval.latency });
  }

  private showProgress(): void {
    const open = sum(this.members.map((member) => member.open));
    const answered = sum(this.members.map((member) => member.answered));
    this.onProgress({ phase: this.phase, open, answered });
  }
}

/** A thread, as the main thread sees it. */
class Member {
  readonly opened: Promise<OpeningCounts>;
  readonly outcome: Promise<LoadOutcome>;
  open = 0;
  answered = 0;
  private readonly worker: Worker;
  private readonly exited: Promise<unknown>;

  constructor(plan: LoadPlan, note: (report: Report) => void) {
    // The built file: what is a source here is not there at run time.
    const worker = (this.worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: plan }));
    const failed = new Promise<never>((_, reject) => worker.once('error', reject));
    this.exited = Promise.race([once(worker, 'exit'), failed]);
    this.exited.catch(() => {});
    const reported = <T>(pick: (report: Report) => T | undefined): Promise<T> => {
      const found = new Promise<T>((resolve) => {
        worker.on('message', (report: Report) => {
          const value = pick(report);
          if (value !== undefined) resolve(value);
        });
      });
      const result = Promise.race([found, failed]);
      result.catch(() => {});
      return result;
    };
    worker.on('message', (report: Report) => {
      if (report.type === 'progress') ({ open: this.open, answered: this.answered } = report);
      note(report);
    });
    this.opened = reported((report) => (report.type === 'opened' ? report.counts : undefined));
    this.outcome = reported((report) => (report.type === 'outcome' ? report.outcome : undefined));
  }

  order(order: Order): void {
    // A thread has no origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.worker.postMessage(order);
  }

  async leave(): Promise<void> {
    this.order('leave');
    await this.exited;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mergeOpenings(openings: readonly OpeningCounts[]): OpeningCounts {
  const timeToOpen = newHistogram();
  const failed = new Reasons();
  for (const opening of openings) {
    if (opening.timeToOpen.count > 0) timeToOpen.add(opening.timeToOpen);
    failed.addAll(opening.failed);
  }
  return {
    asked: sum(openings.map(({ asked }) => asked)),
    opened: sum(openings.map(({ opened }) => opened)),
    failed: failed.list(),
    time: Math.max(...openings.map(({ time }) => time)),
    timeToOpen,
  };
}

function mergeTotals(totals: readonly Totals[]): Totals {
  const lateness = newHistogram();
  const errors = new Reasons();
  for (const part of totals) {
    if (part.lateness.count > 0) lateness.add(part.lateness);
    errors.addAll(part.errors);
  }
  const total = (pick: (part: Totals) => number): number => sum(totals.map(pick));
  return {
    window: Math.max(...totals.map(({ window }) => window)),
    answers: total(({ answers }) => answers),
    answerBytes: total(({ answerBytes }) => answerBytes),
    sent: total(({ sent }) => sent),
    answered: total(({ answered }) => answered),
    unanswered: total(({ unanswered }) => unanswered),
    unsent: total(({ unsent }) => unsent),
    waited: total(({ waited }) => waited),
    lateness,
    errors: errors.list(),
  };
}

const BY_WEIGHT: readonly Ending['how'][] = ['mismatch', 'stopped', 'lost', 'complete'];

/** What tells most; that all connections are lost is true only where it is true for each. */
function mergeEndings(outcomes: readonly LoadOutcome[]): Ending {
  const endings = outcomes.map(({ ending }) => ending);
  for (const how of BY_WEIGHT) {
    const found = endings.find((ending) => ending.how === how);
    if (found !== undefined && (how !== 'lost' || endings.every((ending) => ending.how === how))) return found;
  }
  return { how: 'complete' };
}
