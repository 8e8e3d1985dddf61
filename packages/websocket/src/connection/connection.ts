import type { PreparedMessage } from './prepared-message.ts';
import type { WebSocketError } from './errors.ts';

/** What a message carries. */
export type MessageKind = 'text' | 'binary';

/** A received message: a string for text, bytes of its own for binary. With `receive: 'borrowed'` both are bytes. */
export type MessageData = string | Uint8Array;

/** What may be sent. Bytes are copied before `send` returns. */
export type SendData = string | ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

/**
 * What became of a message:
 * - `sent`: on its way; the queue is below the high-water mark.
 * - `queued`: on its way, behind more than `sendHighWaterMark` bytes: wait for {@link Connection.drained}.
 * - `dropped`: not sent, because the peer does not read (slow-consumer policy).
 * - `closed`: not sent, because the connection is closing or closed.
 */
export type SendResult = 'sent' | 'queued' | 'dropped' | 'closed';

export type ConnectionState = 'open' | 'closing' | 'closed';

export interface SendOptions {
  /** Compress, where permessage-deflate was agreed on. Default: whether the message reaches the threshold. */
  readonly compress?: boolean;
  /** Send in frames of at most so many payload bytes (RFC 6455 §5.4). Default: one frame. */
  readonly fragmentSize?: number;
}

/** A text message that is received in parts. */
export interface StreamedText extends AsyncIterable<string, undefined> {
  readonly kind: 'text';
  /** Its bytes as they come, in UTF-8: a character may be cut. The loop over the message gives strings, of whole ones. */
  readonly readable: ReadableStream<Uint8Array>;
}

/** A binary message that is received in parts. */
export interface StreamedBinary extends AsyncIterable<Uint8Array, undefined> {
  readonly kind: 'binary';
  readonly readable: ReadableStream<Uint8Array>;
}

/**
 * A message that is handed out in parts, as they arrive, by one loop over it or by its `readable`. A part is what one
 * read brought, at most 64 KiB, and belongs to whoever gets it. Where the connection ends in the middle of the message,
 * what reads it throws: the connection's {@link WebSocketError}, or a UsageError `PB_CONNECTION_CLOSED` after an orderly
 * close.
 */
export type StreamedMessage = StreamedText | StreamedBinary;

/**
 * What one connection has received and sent: messages, and their payload bytes before compression. Prepared lines that
 * share a message count each.
 */
export interface Traffic {
  readonly messagesIn: number;
  readonly bytesIn: number;
  readonly messagesOut: number;
  readonly bytesOut: number;
}

/**
 * One WebSocket connection, as the application holds it. `Context` is the application's own data, set by `authorize`
 * or at any time later.
 */
export interface Connection<Context = unknown> {
  context: Context;
  readonly state: ConnectionState;
  /** The subprotocol that was agreed on, or the empty string (RFC 6455 §1.9). */
  readonly protocol: string;
  /** The extensions that were agreed on, as in Sec-WebSocket-Extensions, or the empty string. */
  readonly extensions: string;
  /** Bytes that the operating system has not taken yet. */
  readonly queuedBytes: number;
  /** What this connection has received and sent so far. */
  readonly traffic: Traffic;

  /**
   * Sends a message. A string goes as text, bytes as binary unless `kind` says text (then they must be UTF-8).
   * Everything sent in one turn of the event loop leaves in one write.
   * @throws UsageError `PB_DATA_TYPE` where `data` is neither a string nor bytes, or is no UTF-8 though sent as text
   */
  send(data: SendData, kind?: MessageKind, options?: SendOptions): SendResult;

  /**
   * Sends a message that is framed, and compressed, once for many connections.
   * @throws UsageError `PB_DATA_TYPE` for what `prepareMessage` did not make
   */
  sendPrepared(message: PreparedMessage): SendResult;

  /**
   * Sends text that is one line, to this connection alone. As prepared messages with `isLine`, those that follow one another
   * in one turn may leave as one message, with a line feed between each two.
   * @param line without a line feed
   */
  sendLine(line: string): SendResult;

  /**
   * Sends one message in parts, of any length, without ever holding it whole. Each part leaves as it is written, in
   * frames of at most 64 KiB (`fragmentSize`: fewer); `write` waits for the network, `close` ends the message. It is
   * never compressed. Everything sent later, and a close, waits behind it; pings and pongs do not. In a text message a
   * character may be cut between two parts.
   *
   * A message that has begun can only be completed: `abort`, or a part that cannot be sent, fails the connection with
   * 1011 and `PB_SEND_ABORTED`; before the first part, the connection goes on. Where the connection fails, or the peer
   * closes it, `write` rejects. After our own {@link close} the message has `closeTimeout` to be completed.
   * @param kind text or binary (default): what the peer is told; strings and bytes may be written either way
   * @throws UsageError `PB_OPTION_INVALID` where the kind, or an option, is one that it cannot have
   */
  sendStream(kind?: MessageKind, options?: SendOptions): WritableStream<SendData>;

  /**
   * Whole messages, as a WHATWG stream: strings go as text, bytes as binary. `write` waits as long as {@link send} says
   * that it should, `close` closes the connection with 1000 and waits until it is closed, `abort` closes it at once, with
   * the code and reason of `{ closeCode, reason }` where it is given such, else with 1000. Errors when the connection
   * ends: with its {@link WebSocketError}, or a UsageError `PB_CONNECTION_CLOSED` after an orderly close.
   */
  readonly writable: WritableStream<SendData>;

  /**
   * Resolves when everything is written, at once where nothing waits.
   * @throws UsageError `PB_CONNECTION_CLOSED` where the connection closes first; the signal's reason where it aborts
   */
  drained(signal?: AbortSignal): Promise<void>;

  /**
   * Sends a ping (RFC 6455 §5.5.2). Answers come to the `pong` handler. Keep-alive needs no call of this.
   * @param data at most 125 bytes
   */
  ping(data?: string | Uint8Array): void;

  /**
   * Starts the closing handshake: everything sent before is delivered first. Without effect once it has begun.
   * @param code 1000 (default) to 1003, 1007 to 1014, 3000 to 4999 (RFC 6455 §7.4)
   * @param reason at most 123 bytes of UTF-8
   */
  close(code?: number, reason?: string): void;

  /** Ends the connection at once, without a handshake and dropping what is queued; it closes with 1006. */
  terminate(): void;

  /** Stops reading: no handler is called, and the peer feels it once buffers are full. */
  pause(): void;
  resume(): void;

  /**
   * Receives by pulling, instead of by the `message` handler: while nobody asks for the next message, nothing is
   * read. Must be called inside the `open` handler, or, on a connection of `connect` without a `message` handler, as
   * soon as its promise has resolved. Ends when the connection closes cleanly; throws its
   * {@link WebSocketError} where it fails (`PB_TERMINATED` after {@link terminate}). Leaving the loop early closes the
   * connection with 1000.
   * @throws UsageError `PB_RECEIVE_MODE` at any other time, or where a way to receive was chosen before
   */
  messages(): AsyncIterableIterator<MessageData, undefined>;

  /**
   * As {@link messages}, as a WHATWG stream, to be taken at the same time. It reads when its reader does. Cancelling
   * it closes the connection, as `abort` of {@link writable} does.
   * @throws UsageError `PB_RECEIVE_MODE` as {@link messages}
   */
  readonly readable: ReadableStream<MessageData>;

  /**
   * As {@link messages}, for messages of any length, each of which comes in parts: a loop over messages, and in it one
   * over the parts of each. While nobody asks for a part, or a message, nothing is read. `maxMessageSize` and
   * `maxFragments` do not apply, compressed or not, and `messageTimeout` is how long a message may make no progress
   * while we want to read. Asking for the next message skips what is left of the one before.
   * @throws UsageError `PB_RECEIVE_MODE` as {@link messages}
   */
  receiveStream(): AsyncIterableIterator<StreamedMessage, undefined>;
}

/** The shared handlers of a server: one object for all its connections. What they do not need may be left out. */
export interface ConnectionHandlers<Context, C = Connection<Context>> {
  /** The handshake is done. Messages come from now on. */
  open?(connection: C, opening: never): unknown;
  /** A whole message. An error thrown here, or a rejected promise, closes the connection with 1011. */
  message?(connection: C, data: never, kind: MessageKind): unknown;
  /** What had been queued above the high-water mark is written. */
  drain?(connection: C): unknown;
  ping?(connection: C, data: Uint8Array): unknown;
  pong?(connection: C, data: Uint8Array): unknown;
  /**
   * The connection is over; the last call for it.
   * @param code the peer's close code, or ours where we failed the connection; 1005 without code, 1006 without handshake
   * @param wasClean both sides sent a close frame
   */
  close?(connection: C, code: number, reason: string, wasClean: boolean): unknown;
  /** Why the connection failed; `close` follows. Without this handler, errors of handlers are thrown as uncaught. */
  error?(connection: C, error: WebSocketError): unknown;
}
