import { quote, WireError } from '@pulsebeacon/wire';
import { negotiate } from '../http/negotiation.ts';
import type { HubRequest } from '../http/request.ts';
import { askedWait, preferredWait, type Wait } from '../http/waiting.ts';

/** How a POST to `/connect` is answered. */
export type ConnectForm = { readonly kind: 'ndjson' | 'sse' | 'once' } | PollForm;

export interface PollForm extends Wait {
  readonly kind: 'poll';
}

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
  const wait = askedWait(request, maxWaitMs) ?? preferredWait(request, maxWaitMs);
  return wait === undefined ? { kind } : { kind: 'poll', ...wait };
}
