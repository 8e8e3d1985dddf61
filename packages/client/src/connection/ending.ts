import type { ByeMessage } from '@pulsebeacon/wire';
import { BeaconError } from '../errors.ts';

/**
 * What an end means for what comes next:
 * - `blocked`: the server is there, but this transport does not get through
 * - `unreachable`: nothing answers
 * - `cut`: it ended without a word
 * - `stalled`: it does not end, but nothing arrives
 * - `later`: the server asks to come back
 * - `session`: the session is over, another may begin
 * - `refused`: trying again cannot succeed
 */
export type EndingKind = 'blocked' | 'unreachable' | 'cut' | 'stalled' | 'later' | 'session' | 'refused';

/** How a link, or the attempt to open one, came to its end. */
export interface Ending {
  readonly kind: EndingKind;
  /** In words, for people. */
  readonly reason: string;
  readonly code?: string | undefined;
  readonly retryAfter?: number | undefined;
  readonly status?: number | undefined;
  readonly challenge?: string | undefined;
}

/** Of the last one, somebody else goes by it: a copied tab, for instance. */
const OF_SESSIONS = /^PB_(SESSION_(EXPIRED|INVALID)|REQUEST_BUSY)$/;

function kindOfCode(code: string, retry: boolean): EndingKind {
  if (OF_SESSIONS.test(code)) return 'session';
  return retry ? 'later' : 'refused';
}

/** The server has said why it ends. */
export function endingOfBye({ code, detail, retry, retryAfter }: ByeMessage): Ending {
  return { kind: kindOfCode(code, retry), reason: detail, code, retryAfter };
}

/** `PB_HUB_DRAINING; retry after 1400 ms; the server is shutting down`, or anything that another server says. */
const CLOSE_REASON = /^(PB_[A-Z\d_]+)(?:; retry after (\d+) ms)?(?:; (.+))?$/;
/** RFC 6455 §7.4.1, and the registry: service restart, try again later. */
const RESTART_CODES: readonly number[] = [1012, 1013];

/** A WebSocket that was open has closed, and no `bye` came before. */
export function endingOfClose(code: number, text: string): Ending {
  const [, name, ms, words] = CLOSE_REASON.exec(text) ?? [];
  const reason = words ?? (text || `the connection was lost (close code ${code})`);
  const retryAfter = ms === undefined ? undefined : Number(ms);
  return { kind: RESTART_CODES.includes(code) ? 'later' : 'cut', reason, code: name, retryAfter };
}

/** What an HTTP answer that is none of the expected ones says. */
export interface AnswerFacts {
  readonly status: number;
  /** Of its problem document (RFC 9457). */
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
  readonly challenge?: string | undefined;
  /** Milliseconds. */
  readonly retryAfter?: number | undefined;
}

/** Those that mean the client, not the transport: RFC 9110 §15.5, RFC 9110 §15.5.20. */
const REFUSALS: readonly number[] = [401, 403, 404, 407, 410, 421];
/** Those that mean the moment. */
const PASSING: readonly number[] = [408, 409, 425, 429, 500, 502, 503, 504];

export function endingOfAnswer(facts: AnswerFacts): Ending {
  const { status, code, detail } = facts;
  const reason = `the server answers ${status}${detail === undefined ? '' : `: ${detail}`}`;
  return { ...facts, reason, kind: kindOfStatus(status, code) };
}

function kindOfStatus(status: number, code: string | undefined): EndingKind {
  if (PASSING.includes(status)) return 'later';
  // What our server cannot read by one transport, it cannot by another; what stands between may have spoilt the rest.
  const isFinal = status === 400 && code !== undefined && /^PB_(?!HANDSHAKE)/.test(code);
  if (!isFinal && !REFUSALS.includes(status)) return 'blocked';
  return code === undefined ? 'refused' : kindOfCode(code, false);
}

/** A failure of the client or the network, not of the server. */
export const toError = ({ code, reason, ...options }: Ending): BeaconError =>
  new BeaconError(code ?? 'PB_CLIENT_OFFLINE', reason, options);
