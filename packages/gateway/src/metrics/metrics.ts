import type { HubCounts } from '@pulsebeacon/hub';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { RecentLatency } from './recent-latency.ts';

/** One kind of connections, and how many of it there are now. */
export interface ConnectionCount {
  readonly transport: string;
  /** A path, or the template of one: `/channels/{name}`. */
  readonly path: string;
  readonly httpVersion: string;
  readonly count: number;
  /** Most at once, since the start. */
  readonly peak: number;
}

/** What the program counts anyway; it is read when somebody asks, and costs nothing before that. */
export interface MetricsSource {
  connections(): Iterable<ConnectionCount>;
  /** All of them, now. */
  open(): number;
  /** Those that follow channels, by transport. */
  followers(): HubCounts['byTransport'];
  /** Most connections at once, since the start. */
  peak(): number;
  accepted(): number;
  messages(): { readonly in: number; readonly out: number };
  bytes(): { readonly in: number; readonly out: number };
  publications(): { readonly published: number; readonly delivered: number; readonly skipped: number };
  recoveries(): { readonly recovered: number; readonly notRecovered: number };
  channels(): { readonly active: number; readonly subscriptions: number };
  /** Bytes that clients have not read yet, and how many clients are slow. */
  queues(): { readonly bytes: number; readonly slow: number };
  /** The latter alone, which costs nothing. */
  slow(): number;
  /** Requests, handshakes and messages that were refused, by code. */
  refused(): Readonly<Record<string, number>>;
  /** Connections that are over, by reason: a code of this program, a close code, or how else it ended. */
  closed(): Readonly<Record<string, number>>;
}

/** From a tenth of a millisecond to ten seconds. */
const LATENCY_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** The figures of the program in the text format of Prometheus. */
export class Metrics {
  readonly contentType: string;
  /** For whoever looks at it time and again. */
  readonly recentLatency: RecentLatency = new RecentLatency();
  private readonly registry = new Registry();
  private readonly latency: Histogram;
  private readonly limits: Counter;

  constructor(source: MetricsSource) {
    this.contentType = this.registry.contentType;
    collectDefaultMetrics({ register: this.registry });
    const registers = [this.registry];
    this.latency = new Histogram({
      name: 'pulsebeacon_delivery_seconds',
      help: 'From the position of a publication until it was handed to all subscribers of this node',
      buckets: LATENCY_BUCKETS,
      registers,
    });
    this.limits = new Counter({
      name: 'pulsebeacon_limits_hit_total',
      help: 'How often a limit was hit, by its code',
      labelNames: ['code'],
      registers,
    });
    this.addConnections(source);
    this.addGauges(source);
    this.addCounters(source);
  }

  /** A publication has gone out. */
  delivered(seconds: number): void {
    this.latency.observe(seconds);
    this.recentLatency.record(seconds);
  }

  /** A limit was hit. */
  limited(code: string): void {
    this.limits.inc({ code });
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  private addConnections(source: MetricsSource): void {
    this.registry.registerMetric(
      new Gauge({
        name: 'pulsebeacon_connections',
        help: 'Connections now, by transport, path and HTTP version',
        labelNames: ['transport', 'path', 'http_version'],
        registers: [],
        collect() {
          this.reset();
          for (const { transport, path, httpVersion, count } of source.connections()) {
            this.inc({ transport, path, http_version: httpVersion }, count);
          }
        },
      }),
    );
  }

  private addGauges(source: MetricsSource): void {
    this.gauge('connections_peak', 'Most connections at once', () => source.peak());
    this.gauge('channels', 'Channels that somebody follows', () => source.channels().active);
    this.gauge('subscriptions', 'How many follow how many channels', () => source.channels().subscriptions);
    this.gauge('queue_bytes', 'Bytes that clients have not read yet', () => source.queues().bytes);
    this.gauge('slow_consumers', 'Clients that have more to read than they should', () => source.slow());
  }

  private addCounters(source: MetricsSource): void {
    this.counter('accepted_total', 'Connections that were accepted', () => source.accepted());
    this.counter('published_total', 'Publications', () => source.publications().published);
    this.counter(
      'delivered_total',
      'Publications that were handed to subscribers',
      () => source.publications().delivered,
    );
    this.counter('skipped_total', 'Publications that were left out, by policy', () => source.publications().skipped);
    this.counter(
      'recovered_total',
      'Clients that were given what they had missed',
      () => source.recoveries().recovered,
    );
    this.counter(
      'not_recovered_total',
      'Clients whose gap is not kept any more',
      () => source.recoveries().notRecovered,
    );
    this.labelled('messages_total', 'Messages, by direction', 'direction', () => ({ ...source.messages() }));
    this.labelled('bytes_total', 'Bytes of messages, by direction', 'direction', () => ({ ...source.bytes() }));
    this.labelled('refused_total', 'What was refused, by its code', 'code', () => source.refused());
    this.labelled('closed_total', 'Connections that are over, by reason', 'reason', () => source.closed());
  }

  private gauge(name: string, help: string, read: () => number): void {
    this.registry.registerMetric(
      new Gauge({
        name: `pulsebeacon_${name}`,
        help,
        registers: [],
        collect() {
          this.set(read());
        },
      }),
    );
  }

  private counter(name: string, help: string, read: () => number): void {
    this.registry.registerMetric(
      new Counter({
        name: `pulsebeacon_${name}`,
        help,
        registers: [],
        collect() {
          this.reset();
          this.inc(read());
        },
      }),
    );
  }

  private labelled(name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void {
    this.registry.registerMetric(
      new Counter({
        name: `pulsebeacon_${name}`,
        help,
        labelNames: [label],
        registers: [],
        collect() {
          this.reset();
          for (const [value, count] of Object.entries(read())) this.inc({ [label]: value }, count);
        },
      }),
    );
  }
}
