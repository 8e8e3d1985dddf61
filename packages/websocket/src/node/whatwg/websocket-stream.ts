import type { SendResult } from '../../connection/connection.ts';
import type { WebSocketError } from '../../connection/errors.ts';
import { CLOSE_ABNORMAL } from '../../protocol/close-codes.ts';
import { ClientOpening, type Opened, type OpeningObserver } from '../client/client-opening.ts';
import { parseTarget } from '../client/target.ts';
import { prepareSharedReadBuffer } from '../shared-read-buffer.ts';
import { type ClientHandlers, resolveStreamOptions, type WebSocketOptions } from './options.ts';
import { checkProtocols, getUrlRecord } from './url-record.ts';
import { defineInterface, requireArguments, toBytesOrText, toStringSequence, toUSVString } from './web-idl.ts';
import {
  type CheckedCloseInfo,
  checkCloseInfo,
  newWebSocketError,
  type WebSocketCloseInfo,
  WebSocketStreamError as StreamError,
} from './websocket-error.ts';
import { WhatwgConnection, type WhatwgOwner } from './whatwg-connection.ts';

/** What the constructor takes beside the URL. All but the first two is what browsers do not have. */
export interface WebSocketStreamOptions extends WebSocketOptions {
  /** Subprotocols, the preferred one first; the server has to choose one. */
  readonly protocols?: Iterable<string>;
  /** Gives up the handshake. Without effect on an open connection. */
  readonly signal?: AbortSignal;
}

/** What {@link WebSocketStream.opened} resolves with. */
export interface WebSocketOpenInfo {
  /** Messages: strings for text, Uint8Arrays for binary. Nothing is read while nobody reads here. */
  readonly readable: ReadableStream<string | Uint8Array>;
  /** Strings go as text, bytes as binary. `write` waits while the server does not read. */
  readonly writable: WritableStream<string | ArrayBuffer | ArrayBufferView>;
  readonly extensions: string;
  readonly protocol: string;
}

/** A promise, and what settles it. Nobody has to look at it (its rejection counts as handled). */
class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (reason: unknown) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => {});
  }
}

/** A connection whose two streams speak as the interface has it. */
class StreamConnection extends WhatwgConnection<StreamCore> {
  override send(data: unknown): SendResult {
    return super.send(toBytesOrText(data));
  }

  override closeFor(reason: unknown): void {
    this.closeWith(reason instanceof StreamError ? reason : NO_INFO);
  }

  closeWith({ closeCode, reason }: CheckedCloseInfo): void {
    if (closeCode === null) this.closeWithoutCode();
    else this.close(closeCode, reason);
  }

  override streamError(failure: WebSocketError | undefined): unknown {
    return failure === undefined
      ? new DOMException('the connection is closing or closed', 'InvalidStateError')
      : this.context.error(CLOSE_ABNORMAL, '');
  }
}

/** What stands behind a WebSocketStream object. */
class StreamCore implements OpeningObserver, WhatwgOwner {
  readonly opened = new Deferred<WebSocketOpenInfo>();
  readonly closed = new Deferred<{ closeCode: number; reason: string }>();
  private readonly shared: ReturnType<typeof resolveStreamOptions>['shared'];
  private readonly opening: ClientOpening;
  private readonly url: string;
  private readonly signal: AbortSignal | undefined;
  private connection: StreamConnection | undefined;
  private failure: StreamError | undefined;

  constructor(url: string, protocols: readonly string[], options: Omit<WebSocketStreamOptions, 'protocols'>) {
    const { signal, ...opening } = options;
    const { settings, shared } = resolveStreamOptions(opening, protocols, handlers);
    this.shared = shared;
    this.url = url;
    this.signal = signal;
    void prepareSharedReadBuffer();
    this.opening = new ClientOpening(parseTarget(url, options.socketPath), settings, this);
    signal?.addEventListener('abort', this.onAbort, { once: true });
    if (signal?.aborted) this.onAbort();
  }

  private readonly onAbort = (): void => this.giveUp(this.signal!.reason);

  onOpened(opened: Opened): void {
    this.signal?.removeEventListener('abort', this.onAbort);
    this.connection = new StreamConnection(this.shared, opened, this, this.url);
    this.connection.start(opened.rest);
  }

  onFailed(error: unknown): void {
    // The interface says no more than that it failed; here, where no page can spy on a network, the cause may be known.
    const failure = newWebSocketError('the connection was not established', null, '');
    Object.defineProperty(failure, 'cause', { value: error, configurable: true, writable: true });
    this.giveUp(failure);
  }

  private giveUp(reason: unknown): void {
    this.signal?.removeEventListener('abort', this.onAbort);
    this.opening.cancel();
    this.opened.reject(reason);
    this.closed.reject(reason);
  }

  /** Inside the `open` handler of the connection. */
  onEstablished({ readable, writable, extensions, protocol }: StreamConnection): void {
    this.opened.resolve({ readable, writable: writable as WebSocketOpenInfo['writable'], extensions, protocol });
  }

  close(info: CheckedCloseInfo): void {
    if (this.connection !== undefined) this.connection.closeWith(info);
    else this.giveUp(newWebSocketError('the stream was closed before it was established', null, ''));
  }

  onClosingStarted(): void {}
  onSendingFailed(): void {}

  onClosed({ isCloseReceived }: StreamConnection, code: number, reason: string, wasClean: boolean): void {
    if (wasClean) this.closed.resolve({ closeCode: code, reason });
    // RFC 6455 §7.1.5: the code is the server's, where it sent one.
    else this.closed.reject(isCloseReceived ? this.error(code, reason) : this.error(CLOSE_ABNORMAL, ''));
  }

  /** Why the connection was not closed cleanly: the same for everybody who is told. */
  error(closeCode: number, reason: string): StreamError {
    return (this.failure ??= newWebSocketError('the connection was not closed cleanly', closeCode, reason));
  }
}

const NO_INFO: CheckedCloseInfo = { closeCode: null, reason: '' };

/** Shared by all connections. */
const handlers: ClientHandlers<StreamCore> = {
  open: (connection) => connection.context.onEstablished(connection as unknown as StreamConnection),
  close: (connection, code, reason, wasClean) =>
    connection.context.onClosed(connection as unknown as StreamConnection, code, reason, wasClean),
  // What went wrong is told by the streams.
  error: () => {},
};

/**
 * A WebSocket as a pair of streams, as some browsers have it (https://websockets.spec.whatwg.org/): with backpressure in
 * both directions, which the interface WebSocket cannot have.
 *
 *     const stream = new WebSocketStream('ws://127.0.0.1:8080/echo');
 *     const { readable, writable } = await stream.opened;
 */
export class WebSocketStream {
  readonly #core: StreamCore;
  readonly #url: string;

  /**
   * Begins to connect.
   * @param url ws:, wss:, http: or https:, absolute, without fragment
   * @throws DOMException SyntaxError for a URL or a subprotocol that cannot be
   * @throws UsageError `PB_OPTION_INVALID`, and HandshakeUsageError for a header that cannot be
   */
  constructor(url: string | URL, options: WebSocketStreamOptions = {}) {
    requireArguments('WebSocketStream', arguments.length, 1);
    const given = toUSVString(url);
    const { protocols, ...others } = options ?? {};
    const list = protocols === undefined ? [] : toStringSequence(protocols);
    this.#url = getUrlRecord(given);
    checkProtocols(list);
    this.#core = new StreamCore(this.#url, list, others);
  }

  /** Where it is connected to, serialised. */
  get url(): string {
    return this.#url;
  }

  /**
   * Resolves when the handshake is done; rejects with a WebSocketError (exported as WebSocketStreamError), whose `cause`
   * says why not.
   */
  get opened(): Promise<WebSocketOpenInfo> {
    return this.#core.opened.promise;
  }

  /** Resolves with the code and reason of a closing handshake; rejects where there was none. */
  get closed(): Promise<{ closeCode: number; reason: string }> {
    return this.#core.closed.promise;
  }

  /**
   * Starts the closing handshake. Without effect once it has begun.
   * @throws DOMException InvalidAccessError for a code that may not be sent, SyntaxError for a reason that is too long
   */
  close(closeInfo: WebSocketCloseInfo = {}): void {
    const info = checkCloseInfo(closeInfo);
    this.#core.close(info);
  }
}

defineInterface(WebSocketStream, ['url', 'opened', 'closed', 'close']);
