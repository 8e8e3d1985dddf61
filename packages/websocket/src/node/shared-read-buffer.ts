import { type EventEmitter, once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { SocketStream, STREAM, streamOf, TlsSocketStream } from './socket-stream.ts';

/*
 * The only file that touches private parts of net.Socket.
 *
 * A socket allocates 64 KiB for every read, unless it was made with `onread` and a buffer of its own. An upgraded
 * socket was not: so its handle is moved to a new socket that was, and all connections read into one buffer, one after
 * the other. The old socket keeps nothing. That happens when the first bytes come: many a connection never sends any.
 * A self-test at start moves a real connection; where anything is not as expected, sockets stay as they are, and so
 * does one whose end somebody else listens for: it would never hear of it.
 */

interface Handle {
  reading: boolean;
  useUserBuffer(buffer: Uint8Array): void;
}

/** What is touched of net.Socket: its handle, the server that counts it, and the address that it remembers. */
interface SocketInternals {
  _handle: Handle | null;
  _server: object | null;
  server: object | null;
  _peername: object | undefined;
}

const READ_BUFFER_BYTES = 65536;
const readBuffer: Buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

const onread = {
  buffer: readBuffer,
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

/** Reads like any other socket until the first bytes come; from then on into the buffer that all connections share. */
export class SharedBufferStream extends SocketStream {
  private isMoved = false;

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

  protected override startReading(): void {
    if (!this.isMoved) return super.startReading();
    // The first call of `_read`, now: made by `resume` in a later tick, it would undo a pause that came in between.
    this.socket.read(0);
    // Flowing, so that the end of the stream is noticed; the bytes themselves never pass through the Readable.
    this.socket.resume();
  }
}

/** Leave sockets as they are. For tests, and for whoever suspects this file. */
const IS_PUBLIC_ONLY = process.env['PULSEBEACON_READ'] === 'public';

let isSafe = false;
let selfTest: Promise<boolean> | undefined;

/**
 * Tries the move on a connection of our own, once in the life of the process. Until it has succeeded, no socket is
 * moved.
 * @returns whether sockets will be moved
 */
export function prepareSharedReadBuffer(): Promise<boolean> {
  selfTest ??= (IS_PUBLIC_ONLY ? Promise.resolve(false) : testMove()).then(
    (works) => (isSafe = works),
    () => false,
  );
  return selfTest;
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

async function testMove(): Promise<boolean> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect(port, '127.0.0.1').on('error', () => {});
  try {
    const signal = AbortSignal.timeout(2000);
    const [socket] = (await once(server, 'connection', { signal })) as [Socket];
    const stream = new SharedBufferStream(socket);
    const seen = await new Promise<string>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      let text = '';
      stream.attach({
        onBytes(bytes, start, end) {
          const isShared = bytes.buffer === readBuffer.buffer;
          text += `${Buffer.from(bytes.subarray(start, end)).toString()} ${isShared ? 'shared' : 'own'}, `;
          if (isShared) stream.end();
          else if (stream.move()) client.write('second');
          else stream.destroy();
        },
        onDrain() {},
        onEnd() {
          text += 'end';
        },
        onClose: () => resolve(text),
      });
      client.on('end', () => client.end());
      client.write('first');
    });
    const [count] = await new Promise<[number]>((resolve) => server.getConnections((_, n) => resolve([n])));
    return seen === 'first own, second shared, end' && count === 0;
  } finally {
    client.destroy();
    server.close();
  }
}
