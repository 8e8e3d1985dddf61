import type { MessageData } from '../../connection/connection.ts';
import { ClientOpening, type Opened, type OpeningObserver } from '../client/client-opening.ts';
import { parseTarget } from '../client/target.ts';
import { prepareSharedReadBuffer } from '../shared-read-buffer.ts';
import { type ClientHandlers, resolveStreamOptions, type WebSocketOptions } from './options.ts';
import { checkProtocols, getUrlRecord } from './url-record.ts';
import { defineInterface, requireArguments, toBytesOrText, toStringSequence, toUSVString } from './web-idl.ts';
import {
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

/** What stands behind a WebSocketStream object. */
class StreamCore implements OpeningObserver, WhatwgOwner {
  readonly opened = new Deferred<WebSocketOpenInfo>();
  readonly closed = new Deferred<{ closeCode: number; reason: string }>();
  private readonly shared: ReturnType<typeof resolveStreamOptions>['shared'];
  private readonly opening: ClientOpening;
  private readonly url: string;
  private readonly signal: AbortSignal | undefined;
  private connection: WhatwgConnection | undefined;
  private readController!: ReadableStreamDefaultController<string | Uint8Array>;
  private writeController!: WritableStreamDefaultController;
  private isReadableOver = false;

  constructor(url: string, protocols: readonly string[], options: Omit<WebSocketStreamOptions, 'protocols'>) {
    const { signal, ...opening } = options;
    const { settings, shared } = resolveStreamOptions(opening, protocols, handlers);
    this.shared = shared;
    this.url = url;
    this.signal = signal;
    void prepareSharedReadBuffer();
    this.opening = new ClientOpening(parseTarget(url, options.socketPath), settings, this);
    if (signal?.aborted) this.onAbort();
    else signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  private readonly onAbort = (): void => {
    this.opening.cancel();
    this.failOpening(this.signal!.reason);
  };

  onOpened(opened: Opened): void {
    this.signal?.removeEventListener('abort', this.onAbort);
    this.connection = new WhatwgConnection(this.shared, opened, this, this.url);
    this.connection.start(opened.rest);
  }

  onFailed(error: unknown): void {
    this.signal?.removeEventListener('abort', this.onAbort);
    // The interface says no more than that it failed; here, where no page can spy on a network, the cause may be known.
    const failure = newWebSocketError('the connection was not established', null, '');
    Object.defineProperty(failure, 'cause', { value: error, configurable: true, writable: true });
    this.failOpening(failure);
  }

  private failOpening(reason: unknown): void {
    this.opened.reject(reason);
    this.closed.reject(reason);
  }

  /** Inside the `open` handler of the connection. */
  onEstablished(connection: WhatwgConnection): void {
    const { extensions, protocol } = connection;
    const readable = this.readableOf(connection.messages());
    this.opened.resolve({ readable, writable: this.writableOf(connection), extensions, protocol });
  }

  private readableOf(messages: AsyncIterableIterator<MessageData>): ReadableStream<string | Uint8Array> {
    return new ReadableStream<string | Uint8Array>(
      {
        start: (controller) => {
          this.readController = controller;
        },
        pull: async (controller) => {
          // Where the connection failed, onClosed says so in the words of the interface.
          const next = await messages.next().catch(() => undefined);
          if (next?.done === false) controller.enqueue(next.value);
          else await this.closed.promise.then(() => this.endReadable());
        },
        cancel: (reason) => {
          this.isReadableOver = true;
          this.closeFor(reason);
          // What still comes before the server's close frame is for nobody.
          void messages.return!();
        },
      },
      { highWaterMark: 0 },
    );
  }

  private endReadable(): void {
    if (this.isReadableOver) return;
    this.isReadableOver = true;
    this.readController.close();
  }

  private writableOf(connection: WhatwgConnection): WritableStream<string | ArrayBuffer | ArrayBufferView> {
    return new WritableStream<string | ArrayBuffer | ArrayBufferView>({
      start: (controller) => {
        this.writeController = controller;
      },
      write: async (chunk) => {
        const result = connection.send(toBytesOrText(chunk));
        if (result === 'closed') throw new DOMException('the connection is closing or closed', 'InvalidStateError');
        // Where it ends first, the stream is told so by `onClosed`.
        if (result === 'queued') await connection.drained().catch(() => {});
      },
      close: async () => {
        connection.closeWithoutCode();
        await this.closed.promise;
      },
      abort: (reason) => this.closeFor(reason),
    });
  }

  /** @param info checked */
  close(info: { closeCode: number | null; reason: string }): void {
    const { connection } = this;
    if (connection === undefined) {
      this.opening.cancel();
      this.failOpening(newWebSocketError('the stream was closed before it was established', null, ''));
    } else if (info.closeCode === null) {
      connection.closeWithoutCode();
    } else {
      connection.close(info.closeCode, info.reason);
    }
  }

  private closeFor(reason: unknown): void {
    this.close(reason instanceof StreamError ? reason : { closeCode: null, reason: '' });
  }

  onClosingStarted(): void {}
  onSendingFailed(): void {}

  onClosed(code: number, reason: string, wasClean: boolean): void {
    if (wasClean) {
      this.writeController.error(new DOMException('the connection is closed', 'InvalidStateError'));
      this.closed.resolve({ closeCode: code, reason });
      return;
    }
    const error = newWebSocketError('the connection was not closed cleanly', code, reason);
    if (!this.isReadableOver) this.readController.error(error);
    this.writeController.error(error);
    this.closed.reject(error);
  }
}

/** Shared by all connections. */
const handlers: ClientHandlers<StreamCore> = {
  open: (connection) => connection.context.onEstablished(connection as unknown as WhatwgConnection),
  close: ({ context }, code, reason, wasClean) => context.onClosed(code, reason, wasClean),
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
