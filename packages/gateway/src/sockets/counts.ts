import type { Hub, HubCounts } from '@pulsebeacon/hub';
import type { Admission } from './admission.ts';
import type { EchoServer } from './echo.ts';
import type { LiveServer } from './live.ts';

/** What `/live` tells, as JSON: how many connections and messages, now and since the start. */
export interface LiveCounts {
  /** The connections to `/echo`, and what went over them. */
  readonly echo: {
    readonly open: number;
    readonly peak: number;
    readonly accepted: number;
    readonly messagesIn: number;
    readonly messagesOut: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
  };
  /** Who follows channels, by whichever transport; and what was published in them, and delivered. */
  readonly channels: Pick<HubCounts, 'open' | 'peak' | 'byTransport' | 'published' | 'delivered'>;
  /** The connections to `/live`: whoever watches these counts. */
  readonly live: { readonly open: number };
  /** All WebSockets, streams and polls of the server. */
  readonly total: {
    readonly open: number;
    readonly peak: number;
    /** Those that are open now, by version of HTTP: `1.1`, `2`. */
    readonly byHttpVersion: Readonly<Record<string, number>>;
  };
  /** Handshakes that were refused, by code. */
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * Messages a second over the last second: of the echo, unless it says otherwise. Over the WebSocket only: a single request
 * knows no interval.
 */
export interface Rates {
  readonly messagesIn: number;
  readonly messagesOut: number;
  /** Of channels, by whichever way. */
  readonly published: number;
  readonly delivered: number;
}

/** Reads all counts. */
export function readCounts(echo: EchoServer, hub: Hub, live: LiveServer, admission: Admission): LiveCounts {
  const { open, peak, accepted, messagesIn, messagesOut, bytesIn, bytesOut, refusedByCode } = echo.counts();
  const channels = hub.counts();
  const liveCounts = live.counts();
  const refused: Record<string, number> = { ...refusedByCode };
  for (const [code, count] of Object.entries(liveCounts.refusedByCode)) refused[code] = (refused[code] ?? 0) + count;
  return {
    echo: { open, peak, accepted, messagesIn, messagesOut, bytesIn, bytesOut },
    channels: {
      open: channels.open,
      peak: channels.peak,
      byTransport: channels.byTransport,
      published: channels.published,
      delivered: channels.delivered,
    },
    live: { open: liveCounts.open },
    total: { open: admission.open, peak: admission.peak, byHttpVersion: admission.byHttpVersion },
    refused,
  };
}

/** Turns totals that only grow into a rate, from samples that come at a steady pace. */
export class RateMeter {
  private readonly samples: { readonly at: number; readonly total: number }[] = [];
  private readonly windowMs: number;

  constructor(windowMs = 1000) {
    this.windowMs = windowMs;
  }

  /** @returns what was added, for each second of the window that ends now; a whole number */
  add(total: number, now: number): number {
    const last = this.samples.at(-1);
    // Nobody has looked for a while: what came meanwhile did not come in the last second.
    if (last !== undefined && now - last.at > 2 * this.windowMs) this.samples.length = 0;
    this.samples.push({ at: now, total });
    // The newest sample that is at least a window old stays, as the one to compare with.
    while (this.samples.length > 2 && now - this.samples[1]!.at >= this.windowMs) this.samples.shift();
    const first = this.samples[0]!;
    const elapsed = now - first.at;
    return elapsed <= 0 ? 0 : Math.round(((total - first.total) * 1000) / Math.max(elapsed, this.windowMs));
  }
}
