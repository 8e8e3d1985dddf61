import type { Run } from './crew.ts';
import { type Latency, percentileCurve, percentileMs, summarize } from './latency.ts';
import type { Ending } from './load.ts';
import type { LoadKind } from './plan.ts';
import type { Reason } from './reasons.ts';
import type { WireCost } from './wire.ts';

/** An interval of the measured time. Latencies in milliseconds. */
export interface TimelinePoint {
  /** Seconds from the beginning of the measured time to that of the interval. */
  readonly at: number;
  readonly perSecond: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** What a run has measured, as it is written to JSON. Latencies in milliseconds. */
export interface RunResult {
  readonly kind: LoadKind;
  readonly ending: Ending;
  /** Seconds that were measured. */
  readonly seconds: number;
  readonly connections: {
    readonly asked: number;
    readonly opened: number;
    readonly failed: readonly Reason[];
    /** Connections that ended before the run did, by close code or by what happened. */
    readonly lost: readonly Reason[];
    readonly openedPerSecond: number;
    readonly timeToOpen: Latency | null;
  };
  readonly messages: {
    readonly sent: number;
    readonly answered: number;
    readonly unanswered: number;
    readonly unsent: number;
    readonly errors: readonly Reason[];
    /** Answers in the measured time, and their payload. */
    readonly perSecond: number;
    readonly bytesPerSecond: number;
  };
  readonly latency: Latency | null;
  /** Pairs of percentile and latency. */
  readonly distribution: readonly (readonly [percentile: number, ms: number])[];
  readonly timeline: readonly TimelinePoint[];
  /** How true the load was to its schedule; null without a rate. */
  readonly schedule: {
    /** Messages that had to wait, because every connection had as many in flight as it may. */
    readonly waited: number;
    /** How late the others were sent. */
    readonly lateness: Latency | null;
  } | null;
  /** What the load itself took. */
  readonly load: {
    readonly threads: number;
    /** CPU time of the process for each second; more than 1 where several threads are at work. */
    readonly cpu: number;
    /** Null with a rate: then the load spins, to send on time. */
    readonly cpuMicrosPerMessage: number | null;
    /** Of the busiest thread, from 0 to 1. */
    readonly busy: number;
  };
  /** Bytes at the sockets; null where they were not counted. */
  readonly wire: WireCost | null;
}

/** @param wire what was counted beside the run */
export function toResult(run: Run, wire: WireCost | undefined): RunResult {
  const { plan, opening, totals, ending, lost, cpu } = run;
  const seconds = totals.window / 1000;
  const spins = plan.rate > 0 && plan.precise;
  const perSecond = (count: number): number => (seconds > 0 ? count / seconds : 0);
  return {
    kind: plan.kind,
    ending,
    seconds,
    connections: {
      asked: opening.asked,
      opened: opening.opened,
      failed: opening.failed,
      lost,
      openedPerSecond: opening.time > 0 ? (opening.opened * 1000) / opening.time : 0,
      timeToOpen: summarize(opening.timeToOpen) ?? null,
    },
    messages: {
      sent: totals.sent,
      answered: totals.answered,
      unanswered: totals.unanswered,
      unsent: totals.unsent,
      errors: totals.errors,
      perSecond: perSecond(totals.answers),
      bytesPerSecond: perSecond(totals.answerBytes),
    },
    latency: summarize(run.latency) ?? null,
    distribution: percentileCurve(run.latency),
    timeline: timelineOf(run),
    schedule: plan.rate === 0 ? null : { waited: totals.waited, lateness: summarize(totals.lateness) ?? null },
    load: {
      threads: run.threads,
      cpu: totals.window > 0 ? cpu / totals.window : 0,
      cpuMicrosPerMessage: totals.answers > 0 && !spins ? (cpu * 1000) / totals.answers : null,
      busy: run.busy,
    },
    wire: wire ?? null,
  };
}

/** Every interval, also those in which nothing was answered: a server that stands still is to be seen. */
function timelineOf({ plan, totals, timeline }: Run): TimelinePoint[] {
  if (plan.idle) return [];
  const { interval } = plan;
  const known = new Map(timeline.map((entry) => [entry.index, entry]));
  const points: TimelinePoint[] = [];
  for (let index = 0; index * interval < totals.window; index++) {
    // The last one may be shorter; one that is much shorter says nothing.
    const length = Math.min(interval, totals.window - index * interval);
    if (index > 0 && length < interval / 2) break;
    const latency = known.get(index)?.latency;
    const at = (percentile: number): number | null =>
      latency === undefined || latency.count === 0 ? null : percentileMs(latency, percentile);
    points.push({
      at: (index * interval) / 1000,
      perSecond: ((known.get(index)?.answers ?? 0) * 1000) / length,
      p50: at(50),
      p90: at(90),
      p99: at(99),
      max: at(100),
    });
  }
  return points;
}
