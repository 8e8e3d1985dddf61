/**
 * The seam under which bytes move: a TCP, TLS or Unix socket today; an HTTP/2 stream or a native mover behind the
 * same contract. Every implementation passes the suite in `test/support/byte-stream-contract.ts`.
 */

/** `write` took the bytes: their memory may be used again at once. */
export const CONSUMED = 0;
/** `write` keeps the memory until it is written; more may be written. */
export const HELD = 1;
/** As HELD, and the stream holds more than its high-water mark: wait for `onDrain`. */
export const FULL = 2;
export type WriteResult = typeof CONSUMED | typeof HELD | typeof FULL;

/** What a byte stream tells. Calls come from the event loop, never from inside `attach`, `write` or `resume`. */
export interface ByteStreamHandler {
  /** Bytes arrived. They are valid, and may be changed, only during the call. */
  onBytes(bytes: Uint8Array, start: number, end: number): void;
  /** Everything is written. Comes once after one or more writes that left `queuedBytes` above 0. */
  onDrain(): void;
  /** The peer will send no more; writing still works. */
  onEnd(): void;
  /** The stream is gone, both ways. The last call, and it always comes, once. */
  onClose(cause: Error | undefined): void;
}

export interface ByteStream {
  /** From now on `handler` is told: called once, or again from inside `onBytes` to hand the stream over. */
  attach(handler: ByteStreamHandler): void;
  /** Writes `bytes` from `start` to `end`, in the order of the calls. After `end` or `destroy` it is ignored. */
  write(bytes: Uint8Array, start: number, end: number): WriteResult;
  /** No `onBytes` or `onEnd` comes until {@link resume}; the peer feels it once the buffers of the machine are full. */
  pause(): void;
  resume(): void;
  /** Sends what is held, then says that no more will come (FIN). Reading goes on. */
  end(): void;
  /** As `end`, and nothing is needed from the peer any more, not even that it ends, too. Default: `end`. */
  finish?(): void;
  /** Drops what is held and closes at once. `onClose` follows, with this cause. */
  destroy(cause?: Error): void;
  /**
   * After the closing handshake a client may end it as well as a server: there is no TIME_WAIT that would have to lie
   * with the one or the other (RFC 6455 §7.1.1). Default: the server ends it.
   */
  readonly mayClientEnd?: boolean;
  /** Bytes written that the operating system has not taken yet. */
  readonly queuedBytes: number;
}
