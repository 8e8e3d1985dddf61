import { createHistogram, type Histogram, type RecordableHistogram } from 'node:perf_hooks';

/*
 * Latencies are kept in Node's own histograms, which are HdrHistogram (https://hdrhistogram.org): a fixed amount of
 * memory, three significant figures from a nanosecond to an hour.
 */

const HOUR_NS = 3_600_000_000_000;
const NS_PER_MS = 1e6;

export function newHistogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: HOUR_NS, figures: 3 });
}

/** Counts a duration in milliseconds; what is longer than an hour counts as an hour. */
export function recordMs(histogram: RecordableHistogram, ms: number): void {
  const ns = Math.round(ms * NS_PER_MS);
  // A histogram has no zero.
  histogram.record(ns < 1 ? 1 : ns > HOUR_NS ? HOUR_NS : ns);
}

/** What a histogram comes down to. All but `count` in milliseconds. */
export interface Latency {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p99_9: number;
  readonly max: number;
}

/** @returns undefined where nothing was counted */
export function summarize(histogram: Histogram): Latency | undefined {
  if (histogram.count === 0) return undefined;
  return {
    count: histogram.count,
    min: histogram.min / NS_PER_MS,
    mean: histogram.mean / NS_PER_MS,
    p50: percentileMs(histogram, 50),
    p90: percentileMs(histogram, 90),
    p99: percentileMs(histogram, 99),
    p99_9: percentileMs(histogram, 99.9),
    max: histogram.max / NS_PER_MS,
  };
}

/** A percentile, in milliseconds. It is never above the maximum, though the bucket that it falls in may reach further. */
export function percentileMs(histogram: Histogram, percentile: number): number {
  return Math.min(histogram.percentile(percentile), histogram.max) / NS_PER_MS;
}

/** Points of the curve for each power of ten: 90 %, 99 %, 99.9 %. */
const POINTS_PER_DECADE = 20;

/**
 * The distribution as HdrHistogram plots it: each further part of the way shows ten times fewer messages.
 * @returns pairs of percentile and milliseconds, as far as there are messages to tell them apart; then 100 and the maximum
 */
export function percentileCurve(histogram: Histogram): (readonly [percentile: number, ms: number])[] {
  const { count } = histogram;
  if (count === 0) return [];
  const curve: (readonly [number, number])[] = [];
  const last = Math.log10(count) * POINTS_PER_DECADE;
  for (let step = 0; step < last; step++) {
    const percentile = 100 * (1 - 10 ** (-step / POINTS_PER_DECADE));
    // A histogram has no percentile zero.
    curve.push([percentile, step === 0 ? histogram.min / NS_PER_MS : percentileMs(histogram, percentile)]);
  }
  curve.push([100, histogram.max / NS_PER_MS]);
  return curve;
}
