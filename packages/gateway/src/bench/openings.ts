import { HandshakeError } from '@pulsebeacon/websocket';
import type { RecordableHistogram } from 'node:perf_hooks';
import type { Clock } from './clock.ts';
import { newHistogram, recordMs } from './latency.ts';
import { type Reason, Reasons } from './reasons.ts';

/** How the connections came about. */
export interface OpeningCounts {
  readonly asked: number;
  readonly opened: number;
  readonly failed: readonly Reason[];
  /** Milliseconds from the first attempt until the last connection was open. */
  readonly time: number;
  /** How long each took, from its attempt until it was open. */
  readonly timeToOpen: RecordableHistogram;
}

export interface OpeningOptions {
  readonly connections: number;
  /** Begun in a second; Infinity: as fast as it goes. */
  readonly connectRate: number;
}

export interface Opener {
  open(): Promise<void>;
  /** Resolves when no more are wanted; those that are under way are not waited for. */
  readonly stopped: Promise<void>;
}

/** Handshakes that are under way at once, where no rate says when they begin; and where one does. */
const PENDING = 64;
const PENDING_AT_RATE = 1024;

/** Opens connections at a rate; those that fail are counted, and not tried again. */
export async function openAll(options: OpeningOptions, clock: Clock, opener: Opener): Promise<OpeningCounts> {
  const { connections, connectRate } = options;
  const most = connectRate === Infinity ? PENDING : PENDING_AT_RATE;
  const failed = new Reasons();
  const timeToOpen = newHistogram();
  const pending = new Set<Promise<void>>();
  const begin = clock.now();
  let asked = 0;
  let opened = 0;
  let openedAt = begin;
  const stopping = { isStopped: false };
  void opener.stopped.then(() => (stopping.isStopped = true));

  const attempt = async (): Promise<void> => {
    const started = clock.now();
    try {
      await opener.open();
      openedAt = clock.now();
      opened++;
      recordMs(timeToOpen, openedAt - started);
    } catch (error) {
      failed.add(...reasonOf(error));
    }
  };

  while (asked < connections) {
    if (connectRate !== Infinity) await until(begin + (asked * 1000) / connectRate, clock);
    if (pending.size >= most) await Promise.race([...pending, opener.stopped]);
    if (stopping.isStopped) break;
    asked++;
    const attempted = attempt().finally(() => pending.delete(attempted));
    pending.add(attempted);
  }
  await Promise.race([Promise.all(pending), opener.stopped]);
  return { asked, opened, failed: failed.list(), time: openedAt - begin, timeToOpen };
}

async function until(at: number, clock: Clock): Promise<void> {
  if (clock.now() < at) await new Promise<void>((resolve) => clock.wake(at, resolve));
}

/** By which reason a failure is counted, and what it says. */
export function reasonOf(error: unknown): [key: string, message: string] {
  if (!(error instanceof Error)) return ['unknown', String(error)];
  if (error instanceof HandshakeError) {
    const { code, status, message } = error;
    return [status === undefined || status === 101 ? code : `${code} ${status}`, message];
  }
  return [(error as NodeJS.ErrnoException).code ?? error.name, error.message];
}
