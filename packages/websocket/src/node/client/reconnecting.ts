import type { SendData, SendOptions, MessageKind, SendResult } from '../../connection/connection.ts';
import { UsageError, WebSocketError } from '../../connection/errors.ts';
import { checkWhole, type ReceiveMode } from '../connection-limits.ts';
import { Backoff, type BackoffOptions, DEFAULT_BACKOFF } from './backoff.ts';
import type { ClientConnection } from './client-connection.ts';
import { connect } from './connect.ts';
import { HandshakeError } from './handshake-error.ts';
import type { ConnectOptions } from './options.ts';

/** Why a connection is over, or was never there. */
export interface Disconnection {
  /** A {@link HandshakeError}, or the {@link WebSocketError} that a connection failed with; else the peer closed it. */
  readonly error: unknown;
  /** With which code the connection closed; undefined where there was none. */
  readonly closeCode: number | undefined;
  readonly reason: string;
}

/** An attempt that is going to be made. */
export interface Retry extends Disconnection {
  /** 1 for the first since the last success. */
  readonly attempt: number;
  /** Milliseconds until then. */
  readonly delay: number;
}

export interface ReconnectingOptions<Context = undefined, Receive extends ReceiveMode = 'owned'>
  extends ConnectOptions<Context, Receive>,
    BackoffOptions {
  /** Most attempts in a row that may fail. Default: no limit. */
  readonly maxAttempts?: number;
  /** Longest Retry-After that is waited for, in seconds; a server that asks for more is given up. Default 3,600. */
  readonly maxRetryAfter?: number;
  /** Decides whether to try again, in place of the rules of {@link isFinal}. */
  readonly shouldRetry?: (disconnection: Disconnection) => boolean;
  /** The connection is gone; the next attempt comes after `retry.delay`. */
  readonly retry?: (retry: Retry) => unknown;
}

export type ReconnectingState = 'connecting' | 'open' | 'waiting' | 'closed';

/** Where to connect to: asked again for each attempt where it is a function, so that tokens in it are fresh. */
export type UrlSource = string | URL | (() => string | URL | Promise<string | URL>);

/**
 * Close codes that the same client would meet again: 1000 means that all is said (RFC 6455 §7.4.1), the others that the
 * two do not understand each other, or that a rule forbids what this one does.
 */
const FINAL_CLOSE_CODES: ReadonlySet<number> = new Set([1000, 1002, 1003, 1007, 1008, 1009, 1010]);

/**
 * Whether trying again cannot help: an answer such as 401, 403, 404 or 426, a certificate that is not trusted, a close
 * code that says so. A network that fails, a server that is gone, restarts or has too much to do is worth another try.
 */
export function isFinal({ error, closeCode }: Disconnection): boolean {
  if (error instanceof HandshakeError) return !error.retry;
  if (error instanceof WebSocketError) return !error.retry;
  if (closeCode !== undefined) return FINAL_CLOSE_CODES.has(closeCode);
  // A mistake in the options stays one.
  return true;
}

/**
 * A connection that comes back. Its handlers are called for each connection in turn, and `open` is the place to say
 * again what the server must know. Nothing is kept for a peer that is not there: `send` then says `closed`.
 */
export class ReconnectingConnection<Context = undefined, Receive extends ReceiveMode = 'owned'> {
  /** Resolves when {@link close} was called, or the peer said that all is said (1000); rejects where it gave up. */
  readonly finished: Promise<void>;
  private readonly source: UrlSource;
  private readonly options: ReconnectingOptions<Context, Receive>;
  private readonly connectOptions: ConnectOptions<Context, Receive>;
  private readonly backoff: Backoff;
  private readonly abort = new AbortController();
  private current: ClientConnection<Context> | undefined;
  private status: ReconnectingState = 'connecting';
  private timer: ReturnType<typeof setTimeout> | undefined;
  private openedAt = 0;
  private failure: WebSocketError | undefined;
  private readonly onAbort = (): void => this.close();
  private succeed!: () => void;
  private giveUp!: (error: unknown) => void;

  /** @param random from 0 to below 1; replaced in tests */
  constructor(source: UrlSource, options: ReconnectingOptions<Context, Receive> = {}, random?: () => number) {
    const { firstDelay, maxDelay, stableAfter, maxAttempts, maxRetryAfter, ...others } = options;
    const { shouldRetry, retry, ...rest } = others;
    const backoff = {
      firstDelay: firstDelay ?? DEFAULT_BACKOFF.firstDelay,
      maxDelay: maxDelay ?? DEFAULT_BACKOFF.maxDelay,
      stableAfter: stableAfter ?? DEFAULT_BACKOFF.stableAfter,
    };
    for (const name of ['firstDelay', 'maxDelay', 'stableAfter'] as const) checkWhole(backoff, name, 0, 2 ** 31 - 1);
    const bounds = { maxAttempts: maxAttempts ?? Infinity, maxRetryAfter: maxRetryAfter ?? 3_600 };
    checkWhole(bounds, 'maxAttempts', 0, Infinity);
    checkWhole(bounds, 'maxRetryAfter', 0, 2_000_000);
    for (const [name, value] of Object.entries({ shouldRetry, retry })) {
      if (value === undefined || typeof value === 'function') continue;
      throw new UsageError('PB_OPTION_INVALID', `${name} is ${String(value)}: pass a function`);
    }
    this.source = source;
    this.options = { ...options, ...bounds };
    this.connectOptions = { ...rest, signal: this.abort.signal, ...this.handlers() };
    this.backoff = new Backoff(backoff, random);
    this.finished = new Promise<void>((resolve, reject) => {
      this.succeed = resolve;
      this.giveUp = reject;
    });
    options.signal?.addEventListener('abort', this.onAbort, { once: true });
    if (options.signal?.aborted) this.close();
    else void this.attempt();
  }

  get state(): ReconnectingState {
    return this.status;
  }

  /** The connection of this moment; undefined where there is none. */
  get connection(): ClientConnection<Context> | undefined {
    return this.status === 'open' ? this.current : undefined;
  }

  /** As {@link ClientConnection.send}; `closed` while there is no connection. */
  send(data: SendData, kind?: MessageKind, options?: SendOptions): SendResult {
    return this.connection?.send(data, kind, options) ?? 'closed';
  }

  /** Closes for good: an open connection with a closing handshake, and no more attempts. */
  close(code?: number, reason?: string): void {
    if (this.status === 'closed') return;
    this.current?.close(code, reason);
    this.status = 'closed';
    clearTimeout(this.timer);
    this.abort.abort(new UsageError('PB_CONNECTION_CLOSED', 'close() was called while connecting'));
    if (this.current === undefined) this.settle();
  }

  private handlers(): Pick<ConnectOptions<Context, Receive>, 'open' | 'close' | 'error'> {
    const { open, close, error } = this.options;
    return {
      open: (connection, answer) => {
        this.current = connection;
        this.openedAt = performance.now();
        this.failure = undefined;
        if (this.status === 'connecting') this.status = 'open';
        return open?.(connection, answer);
      },
      error: (connection, failure) => {
        this.failure = failure;
        if (error !== undefined) return error(connection, failure);
        // As without this wrapper: a fault of the application is never swallowed.
        if (failure.code === 'PB_HANDLER_FAILED') throw failure.cause;
        return undefined;
      },
      close: (connection, code, reason, wasClean) => {
        this.current = undefined;
        this.backoff.noteOpenFor(performance.now() - this.openedAt);
        try {
          return close?.(connection, code, reason, wasClean);
        } finally {
          this.onDisconnected({ error: this.failure, closeCode: code, reason });
        }
      },
    };
  }

  private async attempt(): Promise<void> {
    this.status = 'connecting';
    try {
      const { source } = this;
      const url = typeof source === 'function' ? await source() : source;
      await connect(url, this.connectOptions);
    } catch (error) {
      this.onDisconnected({ error, closeCode: undefined, reason: '' });
    }
  }

  private onDisconnected(disconnection: Disconnection): void {
    if (this.isClosed) return this.settle();
    try {
      const isWorthIt = this.isWorthRetrying(disconnection);
      // The application may have closed meanwhile.
      if (this.isClosed) return this.settle();
      if (!isWorthIt) return this.finish(disconnection);
      this.scheduleRetry(disconnection);
    } catch (error) {
      // What the application throws here has nobody else who could tell it.
      clearTimeout(this.timer);
      this.finish({ ...disconnection, error });
    }
  }

  private get isClosed(): boolean {
    return this.status === 'closed';
  }

  private isWorthRetrying(disconnection: Disconnection): boolean {
    const { shouldRetry, maxAttempts, maxRetryAfter } = this.options;
    const isRetryable = shouldRetry === undefined ? !isFinal(disconnection) : shouldRetry(disconnection);
    const isTooOften = this.backoff.failures >= maxAttempts!;
    return isRetryable && !isTooOften && (retryAfterOf(disconnection) ?? 0) <= maxRetryAfter!;
  }

  private scheduleRetry(disconnection: Disconnection): void {
    const delay = this.backoff.next(retryAfterOf(disconnection), disconnection.closeCode);
    this.status = 'waiting';
    this.timer = setTimeout(() => void this.attempt(), delay);
    this.options.retry?.({ ...disconnection, attempt: this.backoff.failures, delay });
  }

  private finish({ error, closeCode, reason }: Disconnection): void {
    this.status = 'closed';
    if (error === undefined && closeCode === 1000) this.settle();
    else this.settle(error ?? new ClosedError(closeCode!, reason));
  }

  /** The end, for good. @param error why it gave up */
  private settle(error?: unknown): void {
    this.options.signal?.removeEventListener('abort', this.onAbort);
    if (error === undefined) this.succeed();
    else this.giveUp(error);
  }
}

function retryAfterOf({ error }: Disconnection): number | undefined {
  return error instanceof HandshakeError ? error.retryAfter : undefined;
}

/** The peer closed a {@link ReconnectingConnection} with a code after which another try cannot help. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError';
  readonly code = 'PB_CONNECT_GIVEN_UP';
  readonly closeCode: number;
  readonly reason: string;

  constructor(closeCode: number, reason: string) {
    super(`the server closed the connection with ${closeCode}${reason === '' ? '' : ` (${reason})`}, which is final`);
    this.closeCode = closeCode;
    this.reason = reason;
  }
}
