import { Socket } from 'node:net';
import {
  type ByteStream,
  type ByteStreamHandler,
  CONSUMED,
  FULL,
  HELD,
  type WriteResult,
} from '../connection/byte-stream.ts';
import { keepFreedMemory } from './freed-memory.ts';

/** Above this many bytes a socket counts as full. */
export const HIGH_WATER_MARK = 65536;

/** Whoever reads so much at once has large messages. */
const MUCH = 8192;

const NOTHING = Buffer.alloc(0);

/** Where a socket's shared listeners find its stream: one symbol instead of closures for every socket. */
export const STREAM: unique symbol = Symbol('pulsebeacon.stream');
type StreamSocket = Socket & { [STREAM]?: SocketStream };

/**
 * Bytes over a socket of Node (TCP, TLS, Unix), by its public interface. Works for everything that is a `net.Socket`,
 * or behaves as one.
 */
export class SocketStream implements ByteStream {
  protected socket: StreamSocket;
  private handler: ByteStreamHandler | undefined;
  protected awaitsDrain = false;
  private cause: Error | undefined;
  private closed = false;
  private paused = false;
  /** The peer has ended while reading was paused. */
  private endWaits = false;

  constructor(socket: Socket) {
    this.socket = socket;
    this.socket[STREAM] = this;
    // What is still to be said is said after the peer's end, too; a TLS socket would not let us.
    socket.allowHalfOpen = true;
    // The error handler comes first: a reset may be waiting already.
    socket.on('error', onError);
  }

  attach(handler: ByteStreamHandler): void {
    const { socket } = this;
    const isHandedOver = this.handler !== undefined;
    this.handler = handler;
    // From a client's handshake to the connection that comes of it: the stream goes on as it is.
    if (isHandedOver) return;
    socket.on('end', onEnd);
    socket.on('close', onClose);
    // Its events may be over already.
    if (socket.destroyed) {
      this.cause ??= socket.errored ?? undefined;
      setImmediate(() => this.reportClose());
      return;
    }
    if (socket.readableEnded) setImmediate(() => this.reportEnd());
    this.startReading();
  }

  write(bytes: Uint8Array, start: number, end: number): WriteResult {
    const { socket } = this;
    if (!socket.writable) return CONSUMED;
    this.give(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
    // Nothing is left in the socket: the kernel took it all, and the memory is free.
    if (socket.destroyed || socket.writableLength === 0) return CONSUMED;
    this.awaitDrain();
    return socket.writableLength > HIGH_WATER_MARK ? FULL : HELD;
  }

  pause(): void {
    this.paused = true;
    this.stopTelling();
  }

  resume(): void {
    this.paused = false;
    if (this.endWaits) setImmediate(() => this.reportEnd());
    this.endWaits = false;
    this.socket.resume();
  }

  end(): void {
    // Of a second end Node makes an error, with its stack, that nobody gets to see.
    if (!this.socket.writableEnded) this.socket.end();
  }

  destroy(cause?: Error): void {
    this.cause ??= cause;
    this.socket.destroy();
  }

  get queuedBytes(): number {
    return this.socket.writableLength;
  }

  /** Gives the socket to whoever goes on with it otherwise. Nothing is told any more; an error still finds somebody. */
  release(): Socket {
    return this.socket.off('data', onData).off('end', onEnd).off('close', onClose);
  }

  protected startReading(): void {
    // Whoever had the socket before may have paused it.
    this.socket.on('data', onData).resume();
  }

  /** Goes on with another socket in its place, for the same connection. */
  protected exchangeSocket(socket: Socket): void {
    // Not its errors: one that is still on its way would find nobody, and end the process.
    this.socket.off('data', onData).off('end', onEnd).off('close', onClose);
    this.socket = socket;
    this.socket[STREAM] = this;
    if (this.handler !== undefined) this.startReading();
  }

  /**
   * Writes. A stream that somebody made, or a `write` of its own, may throw; so may, over a stream that answers at once,
   * whoever is at its other end. What was given is lost, so the connection ends.
   */
  protected give(bytes: Uint8Array, onWritten?: () => void): void {
    try {
      this.socket.write(bytes, onWritten);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** No more bytes, until it is resumed. */
  protected stopTelling(): void {
    const { socket } = this;
    socket.pause();
    // From Node 26 on, what is destroyed does not pause, and goes on to tell what it has read. Nobody is left to answer, so
    // on every Node it tells nothing more.
    if (socket.destroyed) socket.off('data', onData);
  }

  protected get isPaused(): boolean {
    return this.paused;
  }

  /** Somebody else waits for the end of this very socket: a host that keeps track of its connections. */
  protected get isWatched(): boolean {
    return this.socket.listenerCount('close') > (this.handler === undefined ? 0 : 1);
  }

  /** A write of nothing is called back when everything before it is written, whatever the socket's own marks are. */
  protected awaitDrain(): void {
    if (this.awaitsDrain) return;
    this.awaitsDrain = true;
    if (this.socket.writableEnded) this.socket.once('finish', () => this.onWritten());
    else this.give(NOTHING, () => this.onWritten());
  }

  protected onWritten(): void {
    this.awaitsDrain = false;
    if (this.closed || this.socket.destroyed) return;
    if (this.socket.writableLength > 0) this.awaitDrain();
    else this.handler!.onDrain();
  }

  deliver(bytes: Uint8Array, length: number): void {
    if (length > MUCH) keepFreedMemory();
    this.handler!.onBytes(bytes, 0, length);
  }

  reportEnd(): void {
    // A socket may tell its end while it is paused, before what came earlier was handled.
    if (this.paused) this.endWaits = true;
    else if (!this.closed) this.handler?.onEnd();
  }

  reportError(error: Error): void {
    this.cause ??= error;
  }

  reportClose(): void {
    // Before there is anybody to tell, `attach` will see for itself.
    if (this.closed || this.handler === undefined) return;
    this.closed = true;
    this.handler.onClose(this.cause);
  }
}

/**
 * A TLS socket keeps what it is given until the record is encrypted, in a later turn, and a stream that somebody made
 * may keep it for any time. They get copies, so that a batch is free again at once. One that somebody made may also have
 * the answer before `write` returns (node:stream's own duplexPair does): that is told in a later tick.
 */
export class TlsSocketStream extends SocketStream {
  /** Inside `write`, or while bytes are told. */
  private isInside = false;
  private readonly afterWrite = (): void => {
    if (this.awaitsDrain && this.socket.writableLength === 0) this.onWritten();
  };

  override write(bytes: Uint8Array, start: number, end: number): WriteResult {
    const { socket } = this;
    if (!socket.writable) return CONSUMED;
    const wasInside = this.isInside;
    this.isInside = true;
    this.give(Buffer.from(bytes.subarray(start, end)), this.afterWrite);
    this.isInside = wasInside;
    if (socket.destroyed) return CONSUMED;
    if (socket.writableLength > 0) this.awaitDrain();
    return socket.writableLength > HIGH_WATER_MARK ? FULL : CONSUMED;
  }

  override deliver(bytes: Uint8Array, length: number): void {
    if (this.isInside) {
      this.deliverLater(bytes);
      return;
    }
    this.isInside = true;
    try {
      super.deliver(bytes, length);
    } finally {
      this.isInside = false;
    }
  }

  /** Puts bytes back, before whatever comes behind them, for a tick of their own: a write calls nobody. */
  private deliverLater(bytes: Uint8Array): void {
    const { socket } = this;
    this.stopTelling();
    if (socket.destroyed) return;
    socket.unshift(bytes);
    process.nextTick(() => {
      // It may be somebody else's by now.
      if (!this.isPaused && socket.listeners('data').includes(onData)) socket.resume();
    });
  }

  /** Every write is called back. One of nothing would not do: it makes a TLS socket take a reset for an end. */
  protected override awaitDrain(): void {
    this.awaitsDrain = true;
  }
}

function onData(this: StreamSocket, chunk: Buffer): void {
  // A plain Uint8Array, as from the shared read buffer: its views are quicker to make, and nobody who borrows one comes
  // to depend on what only the first of them can do.
  this[STREAM]!.deliver(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length), chunk.length);
}

function onEnd(this: StreamSocket): void {
  this[STREAM]!.reportEnd();
}

function onError(this: StreamSocket, error: Error): void {
  this[STREAM]!.reportError(error);
}

function onClose(this: StreamSocket): void {
  this[STREAM]!.reportClose();
}

/** The stream of a socket; for readers that Node calls with the socket as `this`. */
export function streamOf(socket: Socket): SocketStream {
  return (socket as StreamSocket)[STREAM]!;
}
