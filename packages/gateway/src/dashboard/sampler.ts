import { LoopDelay } from '../metrics/loop-delay.ts';
import type { MetricsSource } from '../metrics/metrics.ts';
import type { RecentLatency } from '../metrics/recent-latency.ts';
import type { Figures } from './messages.ts';

/** Totals that only grow. */
type Totals = Record<(typeof RATES)[number], number>;

const RATES = [
  'messagesIn',
  'messagesOut',
  'bytesIn',
  'bytesOut',
  'published',
  'delivered',
  'skipped',
  'refused',
  'closed',
] as const;

/** Makes a figure for each second of what is counted anyway. */
export class Sampler {
  private readonly source: MetricsSource;
  private readonly latency: RecentLatency;
  private readonly loop = new LoopDelay();
  private before: Totals;
  private lookedAt = performance.now();

  constructor(source: MetricsSource, latency: RecentLatency) {
    this.source = source;
    this.latency = latency;
    this.before = totalsOf(source);
  }

  /** The figures since they were taken last. */
  take(): Figures {
    const { source, before } = this;
    const now = performance.now();
    const seconds = Math.max(0.001, (now - this.lookedAt) / 1000);
    const totals = totalsOf(source);
    const rates = {} as Totals;
    for (const name of RATES) rates[name] = Math.round((totals[name] - before[name]) / seconds);
    this.before = totals;
    this.lookedAt = now;
    const { websocket, sse, ndjson, poll } = source.followers();
    const latency = this.latency.take();
    const { p50, p99, max, busy } = this.loop.take();
    const memory = process.memoryUsage();
    return {
      at: Date.now(),
      open: source.open(),
      byTransport: { websocket, sse, ndjson, poll },
      ...rates,
      latency: latency === undefined ? null : { p50: short(latency.p50), p99: short(latency.p99) },
      loop: { p50: short(p50), p99: short(p99), max: short(max), busy: short(busy) },
      memory: { rss: memory.rss, heap: memory.heapUsed },
      slow: source.slow(),
    };
  }

  stop(): void {
    this.loop.stop();
  }
}

function totalsOf(source: MetricsSource): Totals {
  const [messages, bytes] = [source.messages(), source.bytes()];
  const { published, delivered, skipped } = source.publications();
  return {
    messagesIn: messages.in,
    messagesOut: messages.out,
    bytesIn: bytes.in,
    bytesOut: bytes.out,
    published,
    delivered,
    skipped,
    refused: sumOf(source.refused()),
    closed: sumOf(source.closed()),
  };
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Three digits say enough, and a history of them is to be small. */
function short(value: number): number {
  return Number(value.toPrecision(3));
}
