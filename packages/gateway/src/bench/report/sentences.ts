import type { BenchReport, ReportedSettings } from '../bench.ts';
import type { Reason } from '../reasons.ts';
import type { RunResult } from '../result.ts';
import { amount, counted, figure, percent, time } from './figures.ts';

/** A thread that had something to do for more of its time is what was measured, not the server. */
const BUSY = 0.9;
/** Sent later than so many milliseconds after they were due, messages say more of this machine than of the server. */
const LATE_MS = 2;
const NEARLY_ALL = 0.98;

/** What was done, in a line. */
export function describeSettings(settings: ReportedSettings): string {
  const { connections, rate, inFlight, size, kind, duration, messages, warmup, threads, idle, compression } = settings;
  const parts = [counted(connections, 'connection')];
  if (!idle) {
    parts.push(`${counted(size, 'byte')} of ${kind}`);
    parts.push(rate === null ? `${inFlight} in flight on each` : `${amount(rate)} messages a second in all`);
  }
  const length = messages === null ? time(duration! * 1000) : counted(messages, 'message');
  parts.push(warmup === 0 ? length : `${length} after ${time(warmup * 1000)} of warm-up`);
  if (compression) parts.push('permessage-deflate offered');
  if (threads > 1) parts.push(`${threads} threads`);
  return parts.join(', ');
}

/** How the run ended, where that is not as it was meant. */
export function describeEnding({ ending }: RunResult): string | undefined {
  switch (ending.how) {
    case 'complete':
      return undefined;
    case 'stopped':
      return 'stopped early: what was measured until then';
    case 'lost':
      return 'ended early: every connection was lost';
    case 'mismatch':
      return `ended early: ${ending.message}; bench needs an endpoint that echoes, such as /echo of pulsebeacon serve`;
  }
}

/** `3 × close 1008 (reason)` */
export function describeReason({ key, count, message }: Reason): string {
  return `${amount(count)} × ${key}${message === '' || message === key ? '' : ` (${message})`}`;
}

/** What one should know before one believes the figures. */
export function warningsFor({ settings, websocket, http }: BenchReport): string[] {
  const warnings = limitsOfLoad(websocket, settings.rate);
  const { messages, schedule, connections } = websocket;
  if (schedule !== null && settings.rate !== null && messages.perSecond < settings.rate * NEARLY_ALL) {
    warnings.push(
      `the rate was not reached: ${amount(messages.perSecond)} of ${amount(settings.rate)} messages a second were answered`,
    );
  }
  if (schedule !== null && schedule.waited > 0) {
    warnings.push(
      `${counted(schedule.waited, 'message')} had to wait, because every connection had ${settings.inFlight} in flight; their latency includes it`,
    );
  }
  if (connections.lost.some(({ message }) => message.includes('PB_MESSAGE_RATE'))) {
    warnings.push(
      'the server limits how much a client may send; for a benchmark: pulsebeacon serve --message-rate off',
    );
  }
  if (connections.failed.some(({ message }) => message.includes('--handshake-rate'))) {
    warnings.push('the server limits handshakes: give a lower --connect-rate, or there --handshake-rate off');
  }
  if (http !== null) {
    for (const text of limitsOfLoad(http.post, settings.rate)) warnings.push(`HTTP POST: ${text}`);
    const ending = describeEnding(http.post);
    if (ending !== undefined) warnings.push(`HTTP POST ${ending}`);
  }
  return warnings;
}

function limitsOfLoad({ load, schedule }: RunResult, rate: number | null): string[] {
  if (rate === null) {
    if (load.busy <= BUSY) return [];
    const more =
      load.threads === 1 ? '--threads 2 may show more' : 'more --threads may show more, where there are cores';
    return [`the load was the limit: its busiest thread was busy for ${percent(load.busy)} of the time; ${more}`];
  }
  const late = schedule?.lateness?.p99 ?? 0;
  if (late <= LATE_MS) return [];
  return [
    `the load was late: 1 % of the messages were sent ${figure(late)} ms or more after they were due, and that is in their latency`,
  ];
}
