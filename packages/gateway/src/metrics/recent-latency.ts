import { createHistogram } from 'node:perf_hooks';

/** Milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

/** The latencies since they were looked at last. */
export class RecentLatency {
  /** In microseconds. */
  private readonly histogram = createHistogram();

  record(seconds: number): void {
    this.histogram.record(Math.max(1, Math.round(seconds * 1e6)));
  }

  /** @returns undefined where there were none */
  take(): LatencySummary | undefined {
    const { histogram } = this;
    const { count } = histogram;
    if (count === 0) return undefined;
    const [p50, p99] = [histogram.percentile(50) / 1000, histogram.percentile(99) / 1000];
    histogram.reset();
    return { count, p50, p99 };
  }
}
