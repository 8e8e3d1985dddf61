/** The errors of this package itself. What a server says has the codes of the server. */
export type ClientErrorCode =
  | 'PB_CLIENT_OPTION'
  | 'PB_CLIENT_CLOSED'
  | 'PB_CLIENT_OFFLINE'
  | 'PB_QUEUE_FULL'
  | 'PB_PUBLISH_UNCERTAIN'
  | 'PB_ITERATOR_FULL';

export interface BeaconErrorOptions {
  /** Whether the same may succeed when tried again unchanged. */
  readonly retry?: boolean | undefined;
  /** Milliseconds to wait before that. */
  readonly retryAfter?: number | undefined;
  /** Of the HTTP answer, where there was one. */
  readonly status?: number | undefined;
  /** `WWW-Authenticate` of a 401. */
  readonly challenge?: string | undefined;
}

/** What did not work. `message` says why, in words for people; `code` is for programs, and never changes meaning. */
export class BeaconError extends Error {
  override readonly name = 'BeaconError';
  /** One of {@link ClientErrorCode}, or what the server said. */
  readonly code: string;
  readonly retry: boolean;
  readonly retryAfter: number | undefined;
  readonly status: number | undefined;
  readonly challenge: string | undefined;

  constructor(code: string, message: string, options: BeaconErrorOptions = {}) {
    super(message);
    this.code = code;
    this.retry = options.retry ?? false;
    this.retryAfter = options.retryAfter;
    this.status = options.status;
    this.challenge = options.challenge;
  }
}
