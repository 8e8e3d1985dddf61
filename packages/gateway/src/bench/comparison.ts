import type { RunResult } from './result.ts';
import type { WireBytes } from './relay.ts';

/** How news reaches those who wait for it, by asking for it again and again. */
export interface PollingPlan {
  /** What is asked for: the cheapest answer that the server has. */
  readonly path: string;
  /** Milliseconds between two requests of a client. */
  readonly interval: number;
  /** Milliseconds between two pieces of news. */
  readonly newsEvery: number;
}

/** What one piece of news costs the one who waits for it. */
export interface NewsCost {
  /** Requests, or messages, for each piece of news. */
  readonly exchanges: number;
  /** Bytes on the wire, both ways, the news itself included. */
  readonly bytes: number | null;
  readonly cpuMicros: number | null;
  /** Milliseconds from when it happens until it is known, on average. */
  readonly staleness: number | null;
}

/** The same by HTTP: what was measured, and what follows from it. */
export interface Comparison {
  readonly post: RunResult;
  /** How many times more of it WebSocket does, or less of it needs, than POST: all above 1 speak for WebSocket. */
  readonly ratios: {
    readonly messagesPerSecond: number | null;
    readonly medianLatency: number | null;
    readonly bytesOut: number | null;
    readonly bytesIn: number | null;
    readonly bytes: number | null;
    readonly cpuPerMessage: number | null;
  };
  readonly polling: Polling | null;
}

/** What was measured of polls, and of as many messages at the same quiet pace. */
export interface PollingRuns {
  readonly plan: PollingPlan;
  readonly polls: RunResult;
  readonly messages: RunResult;
}

export interface Polling extends PollingRuns {
  /** Computed from what was measured. */
  readonly news: { readonly polling: NewsCost; readonly websocket: NewsCost };
}

/** @param size bytes of a message */
export function compare(
  websocket: RunResult,
  post: RunResult,
  polling: PollingRuns | undefined,
  size: number,
): Comparison {
  return {
    post,
    ratios: {
      messagesPerSecond: ratio(websocket.messages.perSecond, post.messages.perSecond),
      medianLatency: ratio(post.latency?.p50, websocket.latency?.p50),
      bytesOut: ratio(post.wire?.message.out, websocket.wire?.message.out),
      bytesIn: ratio(post.wire?.message.in, websocket.wire?.message.in),
      bytes: ratio(total(post.wire?.message), total(websocket.wire?.message)),
      cpuPerMessage: ratio(post.load.cpuMicrosPerMessage, websocket.load.cpuMicrosPerMessage),
    },
    polling: polling === undefined ? null : { ...polling, news: newsOf(polling, size) },
  };
}

function newsOf({ plan, polls, messages }: PollingRuns, size: number): Polling['news'] {
  return { polling: newsByPolling(plan, polls, size), websocket: newsPushed(messages) };
}

/**
 * News falls anywhere between two polls: on average half an interval goes by until somebody asks, and then the poll
 * takes its time. Polls that bring nothing are part of the price.
 */
function newsByPolling({ interval, newsEvery }: PollingPlan, polls: RunResult, size: number): NewsCost {
  const exchanges = newsEvery / interval;
  const { wire, latency, load } = polls;
  return {
    exchanges,
    bytes: wire === null ? null : exchanges * total(wire.message)! + size,
    cpuMicros: load.cpuMicrosPerMessage === null ? null : exchanges * load.cpuMicrosPerMessage,
    staleness: latency === null ? null : interval / 2 + latency.mean,
  };
}

/** Only the way to the client counts for bytes. The time and the CPU are those of both ways, which is more than it takes. */
function newsPushed({ wire, latency, load }: RunResult): NewsCost {
  return {
    exchanges: 1,
    bytes: wire === null ? null : wire.message.in,
    cpuMicros: load.cpuMicrosPerMessage,
    staleness: latency === null ? null : latency.mean,
  };
}

function total(bytes: WireBytes | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes.out + bytes.in;
}

function ratio(more: number | null | undefined, less: number | null | undefined): number | null {
  if (more === null || more === undefined || less === null || less === undefined || less === 0) return null;
  return more / less;
}
