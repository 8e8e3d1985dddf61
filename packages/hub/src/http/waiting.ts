import { preferredSeconds } from './negotiation.ts';
import { numberOf } from './query.ts';
import type { HubRequest } from './request.ts';

/** How long a client would wait for an answer. */
export interface Wait {
  readonly waitMs: number;
  /** For Preference-Applied, where the wait is a preference. */
  readonly applied: string | undefined;
}

/** By `?wait=25`, in seconds. @param maxMs it is cut to that @throws {WireError} `PB_QUERY_INVALID` */
export function askedWait(request: HubRequest, maxMs: number): Wait | undefined {
  const seconds = numberOf(request, 'wait', 0);
  return seconds === undefined ? undefined : { waitMs: Math.min(seconds * 1000, maxMs), applied: undefined };
}

/** By `Prefer: wait=25` (RFC 7240 §4.3). @param maxMs it is cut to that */
export function preferredWait(request: HubRequest, maxMs: number): Wait | undefined {
  const seconds = preferredSeconds(request.header('prefer'));
  if (seconds === undefined) return undefined;
  const waitMs = Math.min(seconds * 1000, maxMs);
  return { waitMs, applied: `wait=${Math.floor(waitMs / 1000)}` };
}
