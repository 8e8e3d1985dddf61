import { type EventEmitter, once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { SocketStream, STREAM, streamOf } from './socket-stream.ts';

/*
 * The only file that touches private parts of net.Socket.
 *
 * A socket allocates 64 KiB for every read, unless it was made with `onread` and a buffer of its own. An upgraded
 * socket was not: so its handle is moved to a new socket that was, and all connections read into one buffer, one after
 * the other. The old socket keeps nothing. A self-test at start moves a real connection; where anything is not as
 * expected, sockets stay as they are (`SocketStream`).
 */

interface Handle {
  reading: boolean;
  useUserBuffer(buffer: Uint8Array): void;
}

/** What is touched of net.Socket: its handle, and the server that counts it among its connections. */
interface SocketInternals {
  _handle: Handle | null;
  _server: object | null;
  server: object | null;
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

class SharedBufferStream extends SocketStream {
  protected override startReading(): void {
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

/** A stream that reads `socket` into the buffer that all connections share; undefined where that is not possible. */
export function shareReadBuffer(socket: Socket): SocketStream | undefined {
  return isSafe && canMove(socket) ? new SharedBufferStream(moveHandle(socket)) : undefined;
}

function canMove(socket: Socket): boolean {
  const { _handle: handle, _server } = socket as unknown as SocketInternals;
  return (
    // Not TLS, whose socket is more than its handle, and not a subclass that somebody else made.
    Object.getPrototypeOf(socket) === Socket.prototype &&
    socket.readableLength === 0 &&
    socket.writableLength === 0 &&
    !socket.destroyed &&
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
    if (!canMove(socket)) return false;
    // As after an upgrade: the socket has been reading.
    client.write('first');
    const [first] = (await once(socket, 'data', { signal })) as [Buffer];
    socket.removeAllListeners('data');
    const stream = new SharedBufferStream(moveHandle(socket));
    const seen = await new Promise<string>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      let text = first.toString();
      stream.attach({
        onBytes(bytes, start, end) {
          text += `${bytes.buffer === readBuffer.buffer ? '+' : '-'}${Buffer.from(bytes.subarray(start, end)).toString()}`;
          stream.end();
        },
        onDrain() {},
        onEnd() {
          text += '|';
        },
        onClose: () => resolve(text),
      });
      client.on('end', () => client.end());
      client.write('second');
    });
    const [count] = await new Promise<[number]>((resolve) => server.getConnections((_, n) => resolve([n])));
    return seen === 'first+second|' && count === 0;
  } finally {
    client.destroy();
    server.close();
  }
}
