import type { Since } from '@pulsebeacon/wire';
import type { HistoryQuery } from './broker.ts';

/** Where a client wants to begin, as the broker is asked. */
export function toQuery(since: Since): Exclude<HistoryQuery['since'], undefined> {
  if (since === 'all') return 'all';
  return 'position' in since ? since : { time: Date.now() - since.ageMs };
}
