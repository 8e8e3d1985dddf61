import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** Milliseconds by which the event loop was late; and the share of the time, from 0 to 1, in which it was busy. */
export interface LoopSummary {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly busy: number;
}

const RESOLUTION_MS = 10;
const NANOSECONDS = 1e6;

/** How late the event loop is, since it was looked at last. The watching itself is Node's, in C. */
export class LoopDelay {
  private readonly histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private utilization = performance.eventLoopUtilization();

  constructor() {
    this.histogram.enable();
  }

  take(): LoopSummary {
    const { histogram } = this;
    const utilization = performance.eventLoopUtilization();
    const busy = performance.eventLoopUtilization(utilization, this.utilization).utilization;
    this.utilization = utilization;
    if (histogram.count === 0) return { p50: 0, p99: 0, max: 0, busy };
    // What is measured is the time from one tick to the next, of which the resolution is no delay.
    const own = histogram.min / NANOSECONDS > RESOLUTION_MS / 2 ? RESOLUTION_MS : 0;
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - own);
    const [p50, p99, max] = [late(histogram.percentile(50)), late(histogram.percentile(99)), late(histogram.max)];
    histogram.reset();
    return { p50, p99, max, busy };
  }

  stop(): void {
    this.histogram.disable();
  }
}
