import { quote, WireError } from '@pulsebeacon/wire';
import { negotiate, preferredWait } from '../http/negotiation.ts';
import { numberOf } from '../http/query.ts';
import type { HubRequest } from '../http/request.ts';

/** How a POST to `/connect` is answered. */
export type ConnectForm =
  | { readonly kind: 'ndjson' | 'sse' | 'once' }
  | {
      readonly kind: 'poll';
      readonly waitMs: number;
      /** For Preference-Applied, where the wait was a preference. */
      readonly applied: string | undefined;
    };

/** Those that end come first: nobody gets a stream by a wildcard. */
const KIND_OF = {
  'application/json': 'once',
  'application/x-ndjson': 'ndjson',
  'text/event-stream': 'sse',
} as const;

const TYPES = Object.keys(KIND_OF) as (keyof typeof KIND_OF)[];

/**
 * Chooses between an answer at once, a poll that waits, and a stream.
 * @throws {WireError} `PB_NOT_ACCEPTABLE`, `PB_QUERY_INVALID`
 */
export function chooseForm(request: HubRequest, maxWaitMs: number): ConnectForm {
  const accept = request.header('accept');
  const type = negotiate(accept, TYPES);
  if (type === undefined) {
    throw new WireError('PB_NOT_ACCEPTABLE', `Accept is ${quote(accept!)}: the answers here are ${TYPES.join(', ')}`);
  }
  const kind = KIND_OF[type];
  if (kind !== 'once') return { kind };
  const asked = numberOf(request, 'wait', 0);
  if (asked !== undefined) return { kind: 'poll', waitMs: Math.min(asked * 1000, maxWaitMs), applied: undefined };
  const preferred = preferredWait(request);
  if (preferred === undefined) return { kind };
  const waitMs = Math.min(preferred * 1000, maxWaitMs);
  return { kind: 'poll', waitMs, applied: `wait=${Math.floor(waitMs / 1000)}` };
}
