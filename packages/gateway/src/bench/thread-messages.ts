import type { LoadOutcome } from './load.ts';
import type { Interval } from './meter.ts';
import type { OpeningCounts } from './openings.ts';

/**
 * What a thread is told: to begin to send, to end early, and to close its connections and end.
 */
export type Order = 'run' | 'stop' | 'leave';

/** What a thread tells, in this order; progress and intervals come in between. */
export type Report =
  | { readonly type: 'opened'; readonly counts: OpeningCounts }
  | { readonly type: 'measuring' }
  /** @property busy part of the measured time in which the thread had something to do */
  | { readonly type: 'sent'; readonly busy: number }
  | { readonly type: 'outcome'; readonly outcome: LoadOutcome }
  | { readonly type: 'interval'; readonly interval: Interval }
  | { readonly type: 'progress'; readonly open: number; readonly answered: number };
