import type { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { CONSUMED, FULL, HELD, type WriteResult } from '../connection/byte-stream.ts';
import {
  directWriteRefusal,
  isWriteHandle,
  type WriteHandle,
  writeDirectly,
  writeError,
  type WriteOwner,
  WRITING,
  WRITTEN,
} from './direct-write.ts';
import { readPage } from './simd-mask.ts';
import { testDirectWrites, testMove } from './socket-self-test.ts';
import { HIGH_WATER_MARK, SocketStream, STREAM, streamOf, TlsSocketStream } from './socket-stream.ts';

/*
 * The only file that touches private parts of net.Socket; with direct-write.ts, which touches those of its handle.
 *
 * A socket allocates 64 KiB for every read, unless it was made with `onread` and a buffer of its own. An upgraded
 * socket was not: so its handle is moved to a new socket that was, and all connections read into one buffer, one after
 * the other. The old socket keeps nothing. That happens when the first bytes come: many a connection never sends any.
 * Nobody else writes to an upgraded socket, so that its handle can be written to directly, moved or not; `end` remains
 * the socket's own, for libuv ends a stream when what it still writes is written.
 *
 * Self-tests at start (socket-self-test.ts) do both to a real connection; where anything is not as expected, sockets
 * stay as they are, and so does one whose end somebody else listens for: it would never hear of it.
 */

interface Handle {
  reading: boolean;
  useUserBuffer(buffer: Uint8Array): void;
}

/** What is touched of net.Socket: its handle, the server that counts it, and the address that it remembers. */
interface SocketInternals {
  _handle: (Handle & Partial<WriteHandle>) | null;
  _server: object | null;
  server: object | null;
  _peername: object | undefined;
}

const onread = {
  buffer: readPage,
  callback(this: Socket, length: number, buffer: Uint8Array): boolean {
    streamOf(this).deliver(buffer, length);
    return true;
  },
};

/**
 * What a handle is moved to. Only its stream listens to it, and is told directly: ten thousand connections need no
 * tables of listeners.
 */
class MovedSocket extends Socket {
  // In the object itself, like a field; a symbol that is added later would cost a table of its own.
  [STREAM]: SocketStream | undefined = undefined;

  override on(event: string, listener: Parameters<typeof EventEmitter.prototype.on>[1]): this {
    return event === 'end' || event === 'error' || event === 'close' ? this : super.on(event, listener);
  }

  override emit(event: string, ...values: unknown[]): boolean {
    const stream = this[STREAM];
    if (stream === undefined) return super.emit(event, ...values);
    if (event === 'error') stream.reportError(values[0] as Error);
    else if (event === 'end') stream.reportEnd();
    else if (event === 'close') stream.reportClose();
    else return super.emit(event, ...values);
    return true;
  }
}

/**
 * The view that a batch was last written by: the same batches come again and again, and one message is often as long as
 * another. It costs a batch a table of its own, which is little beside the batch.
 */
const VIEW: unique symbol = Symbol('pulsebeacon.view');
/** A batch has no more. What is larger goes out in slices, each of them once: no view of it is asked for again. */
const MOST_VIEWED = 65536;

function viewOf(bytes: Uint8Array & { [VIEW]?: Uint8Array }, start: number, end: number): Uint8Array {
  if (start === 0 && end === bytes.length) return bytes;
  if (start !== 0 || bytes.length > MOST_VIEWED) return bytes.subarray(start, end);
  const view = bytes[VIEW];
  return view !== undefined && view.length === end ? view : (bytes[VIEW] = bytes.subarray(0, end));
}

/**
 * Reads like any other socket until the first bytes come; from then on into the buffer that all connections share.
 * Writes to the handle itself, from the first write on where that is possible.
 */
export class SharedBufferStream extends SocketStream implements WriteOwner {
  private isMoved = false;
  private isDirect = false;
  /** Direct writes that go on. */
  private writes = 0;

  override deliver(bytes: Uint8Array, length: number): void {
    super.deliver(bytes, length);
    if (!this.isMoved && isSafe) this.move();
  }

  /** Moves the handle, where that is possible now. @returns whether it is moved */
  move(): boolean {
    if (this.isMoved || this.isPaused || this.isWatched || !canMove(this.socket)) return this.isMoved;
    this.isMoved = true;
    this.exchangeSocket(moveHandle(this.socket));
    return true;
  }

  /** From now on, if nothing is in the way. @returns whether that is so */
  writeDirectly(): boolean {
    // What goes through the Writable comes first, and its drain is told first.
    return (this.isDirect = !this.awaitsDrain && (this.isMoved || isPlain(this.socket)) && canWrite(this.socket));
  }

  override write(bytes: Uint8Array, start: number, end: number): WriteResult {
    if (!this.isDirect && !(mayWrite && this.writeDirectly())) return super.write(bytes, start, end);
    const handle = this.handle as WriteHandle | null;
    if (handle === null || !this.socket.writable || start === end) return CONSUMED;
    const result = writeDirectly(handle, viewOf(bytes, start, end), this);
    if (result === WRITTEN) return CONSUMED;
    if (result !== WRITING) {
      this.failWrite(result);
      return CONSUMED;
    }
    this.writes++;
    const queued = handle.writeQueueSize;
    // The kernel has taken the rest by now: the memory is free, and only the notice of it is still to come.
    if (queued === 0) return CONSUMED;
    this.awaitsDrain = true;
    return queued > HIGH_WATER_MARK ? FULL : HELD;
  }

  onWriteDone(status: number): void {
    this.writes--;
    // What was still to be written when it was destroyed ends like this, too.
    if (this.socket.destroyed) return;
    if (status < 0) this.failWrite(status);
    else if (this.writes === 0 && this.awaitsDrain) this.onWritten();
  }

  private failWrite(status: number): void {
    this.socket.destroy(writeError(status));
  }

  override get queuedBytes(): number {
    if (!this.isDirect) return super.queuedBytes;
    const { handle } = this;
    return this.writes === 0 || handle === null ? 0 : (handle as WriteHandle).writeQueueSize;
  }

  /** Null once the socket is destroyed. */
  private get handle(): SocketInternals['_handle'] {
    return (this.socket as unknown as SocketInternals)._handle;
  }

  protected override startReading(): void {
    if (!this.isMoved) return super.startReading();
    // The first call of `_read`, now: made by `resume` in a later tick, it would undo a pause that came in between.
    this.socket.read(0);
    // Flowing, so that the end of the stream is noticed; the bytes themselves never pass through the Readable.
    this.socket.resume();
  }
}

// Leave sockets as they are, or write to them by the public way. For tests, and for whoever suspects this file.
const IS_PUBLIC_ONLY = process.env['PULSEBEACON_READ'] === 'public';
const MAY_TRY_TO_WRITE = directWriteRefusal(process.versions, process.env['PULSEBEACON_WRITE']) === undefined;

let isSafe = false;
let mayWrite = false;
let selfTest: Promise<boolean> | undefined;

/**
 * Tries on connections of our own, once in the life of the process, what will be done to others. Until it has succeeded,
 * no socket is moved, and none is written to directly.
 * @returns whether sockets will be moved
 */
export function prepareSharedReadBuffer(): Promise<boolean> {
  return (selfTest ??= IS_PUBLIC_ONLY ? Promise.resolve(false) : tryAll());
}

async function tryAll(): Promise<boolean> {
  const make = (socket: Socket): SharedBufferStream => new SharedBufferStream(socket);
  const moves = await testMove(make).catch(() => false);
  if (moves && MAY_TRY_TO_WRITE) mayWrite = await testDirectWrites(make, handleOf).catch(() => false);
  return (isSafe = moves);
}

function handleOf(socket: Socket): WriteHandle {
  return (socket as unknown as SocketInternals)._handle as WriteHandle;
}

/** The stream for a socket, or for what an HTTP server was given as one. */
export function streamOver(socket: Socket): SocketStream {
  // TLS is more than its handle, and so may be what somebody else made.
  if (!isPlain(socket)) return new TlsSocketStream(socket);
  if (isSafe && socket.listenerCount('close') === 0) lighten(socket);
  return new SharedBufferStream(socket);
}

/** Lets go of what Node keeps for every socket, and what one that stays open for hours has no use for. */
function lighten(socket: Socket): void {
  // The address was read; whoever asks again gets it again.
  (socket as unknown as SocketInternals)._peername = undefined;
  // Makes writing fail after the peer's end, unless the socket is half open, as ours are.
  const [own] = socket.listeners('end');
  if (own?.name === 'onReadableStreamEnd') socket.off('end', own as () => void);
}

function isPlain(socket: Socket): boolean {
  return Object.getPrototypeOf(socket) === Socket.prototype;
}

function canMove(socket: Socket): boolean {
  const { _handle: handle, _server } = socket as unknown as SocketInternals;
  return (
    isPlain(socket) &&
    socket.readableLength === 0 &&
    socket.writableLength === 0 &&
    !socket.destroyed &&
    // A write that has just failed says so in a later tick.
    socket.errored === null &&
    !socket.readableEnded &&
    !socket.writableEnded &&
    handle !== null &&
    typeof handle === 'object' &&
    typeof handle.reading === 'boolean' &&
    typeof handle.useUserBuffer === 'function' &&
    _server !== undefined
  );
}

/** Whether nobody but the caller writes to the handle of a socket, and nothing of Node's waits for it. */
function canWrite(socket: Socket): boolean {
  const { _handle: handle } = socket as unknown as SocketInternals;
  return (
    handle !== null &&
    // A name may have several addresses, and each attempt has a handle of its own.
    !socket.connecting &&
    socket.writableLength === 0 &&
    // A host's limit on silence would not hear of these writes.
    !socket.timeout &&
    // Whoever has put something in the place of the socket's write is to see what is written.
    !Object.hasOwn(socket, 'write') &&
    isWriteHandle(handle)
  );
}

function moveHandle(socket: Socket): Socket {
  const old = socket as unknown as SocketInternals;
  const handle = old._handle!;
  socket.setTimeout(0);
  // Stopped, because it is reading for the old socket, and would not start again for the new one.
  const options = { handle, onread, allowHalfOpen: true, pauseOnCreate: true };
  const moved = new MovedSocket(options as unknown as ConstructorParameters<typeof Socket>[0]);
  const fresh = moved as unknown as SocketInternals;
  // The host's server goes on counting the connection, and waits for it when it closes.
  fresh.server = old.server;
  fresh._server = old._server;
  old._server = null;
  old._handle = null;
  return moved;
}
