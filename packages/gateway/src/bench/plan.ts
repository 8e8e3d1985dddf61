import type { PayloadPlan } from './payload.ts';
import type { Target } from './target.ts';

/** How the opening handshake, and each request over HTTP, is made. */
export interface OpeningPlan {
  readonly subprotocols: readonly string[];
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly origin: string | undefined;
  readonly compression: boolean;
  /** Certificates to trust, as PEM, in place of the well-known ones. */
  readonly ca: string | undefined;
  readonly insecure: boolean;
}

/** What is exchanged on a connection: WebSocket messages, POST and its answer, or GET and its answer. */
export type LoadKind = 'websocket' | 'post' | 'poll';

/** A run, complete and checked. It is handed to threads as it is. All times are in milliseconds. */
export interface LoadPlan {
  readonly kind: LoadKind;
  readonly target: Target;
  readonly opening: OpeningPlan;
  readonly connections: number;
  /** Connections that are begun in a second; Infinity for as fast as it goes. */
  readonly connectRate: number;
  /** Messages a second, of all connections together; 0: the next as soon as the last is answered. */
  readonly rate: number;
  /** By how much of the time between two messages the schedule is behind: threads take turns. From 0 to below 1. */
  readonly phase: number;
  /** Most messages on their way on each connection. */
  readonly inFlight: number;
  readonly payload: PayloadPlan;
  /** Whether an answer must be the message that it is the answer to. */
  readonly verify: boolean;
  /** Only open the connections and hold them. */
  readonly idle: boolean;
  /** Infinity where `messages` decides. */
  readonly duration: number;
  /** Infinity where `duration` decides. */
  readonly messages: number;
  /** Before anything is measured. */
  readonly warmup: number;
  /** For a handshake; and for answers that are still to come at the end. */
  readonly timeout: number;
  /** What is plotted over time has a point for each. */
  readonly interval: number;
  /**
   * With a rate: send on time, whatever that costs in CPU, and measure latency from when a message was due. Without it
   * timers decide, which are late by a millisecond or two, and latency is measured from when it was sent.
   */
  readonly precise: boolean;
}

/** The parts of a run for several threads: as even as can be, none without a connection or a message. */
export function splitPlan(plan: LoadPlan, threads: number): LoadPlan[] {
  const parts = Math.max(1, Math.min(threads, plan.connections, plan.messages));
  return Array.from({ length: parts }, (_, index) => ({
    ...plan,
    connections: share(plan.connections, parts, index),
    messages: share(plan.messages, parts, index),
    connectRate: plan.connectRate / parts,
    rate: plan.rate / parts,
    phase: index / parts,
  }));
}

function share(total: number, parts: number, index: number): number {
  if (total === Infinity) return Infinity;
  return Math.floor(total / parts) + (index < total % parts ? 1 : 0);
}

const LEAST_INTERVAL_MS = 250;
const POINTS = 120;

/** How long a point of the plots stands for: some hundred points, none of them finer than one can see. */
export function intervalFor(duration: number): number {
  if (duration === Infinity) return LEAST_INTERVAL_MS;
  return Math.max(LEAST_INTERVAL_MS, Math.ceil(duration / POINTS / LEAST_INTERVAL_MS) * LEAST_INTERVAL_MS);
}
