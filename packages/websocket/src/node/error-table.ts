import { CONNECTION_ERRORS, USAGE_ERRORS } from '../connection/errors.ts';
import { ANSWER_FAULTS } from '../handshake/answer-faults.ts';
import { REFUSALS } from '../handshake/refusals.ts';
import { HANDSHAKE_USAGE_ERRORS } from '../handshake/usage-error.ts';
import { VIOLATIONS } from '../protocol/violations.ts';
import { CONNECT_FAILURES } from './client/connect-failures.ts';
import { HTTP_FAILURES } from './client/http-failures.ts';

/** One of the errors that this library reports. */
export interface ErrorEntry {
  /** Stable: it never changes meaning, and is never used again for something else. */
  readonly code: string;
  /**
   * Where it comes up: `connection` closes a connection with `closeCode`; `refusal` answers a handshake with `status`;
   * `connect`, `http` and `answer` fail a client's handshake; `usage` is thrown at the caller.
   */
  readonly kind: 'connection' | 'refusal' | 'connect' | 'http' | 'answer' | 'usage';
  readonly closeCode?: number;
  readonly status?: number;
  /** Where it is written; empty where it is this library's own. */
  readonly section: string;
  /** Whether the same may succeed when tried again unchanged. */
  readonly retry: boolean;
  readonly message: string;
}

/** The one table of errors: docs/reference/errors.md is made from it. */
export const ERRORS: readonly ErrorEntry[] = [
  ...Object.entries({ ...VIOLATIONS, ...CONNECTION_ERRORS }).map(
    ([code, entry]): ErrorEntry => ({ code, kind: 'connection', ...entry }),
  ),
  ...Object.entries(REFUSALS).map(([code, entry]): ErrorEntry => ({ code, kind: 'refusal', ...entry })),
  ...Object.entries(CONNECT_FAILURES).map(
    ([code, { section, retry, message }]): ErrorEntry => ({ code, kind: 'connect', section, retry, message }),
  ),
  ...Object.entries(HTTP_FAILURES).map(
    ([code, { section, retry, message }]): ErrorEntry => ({ code, kind: 'http', section, retry, message }),
  ),
  ...Object.entries(ANSWER_FAULTS).map(([code, entry]): ErrorEntry => ({ code, kind: 'answer', ...entry })),
  ...Object.entries(HANDSHAKE_USAGE_ERRORS).map(([code, entry]): ErrorEntry => ({ code, kind: 'usage', ...entry })),
  ...Object.entries(USAGE_ERRORS).map(
    ([code, message]): ErrorEntry => ({ code, kind: 'usage', section: '', retry: false, message }),
  ),
];
