import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type ByteStream, type ByteStreamHandler, CONSUMED } from '../connection/byte-stream.ts';
import { learnToWrite, type WriteHandle } from './direct-write.ts';
import { readPage } from './simd-mask.ts';

/** The stream that is tested; it makes the private parts of its socket available. */
interface TestedStream extends ByteStream {
  move(): boolean;
  writeDirectly(): boolean;
}

/** How long a connection of this machine with itself may take, milliseconds. */
const TIMEOUT = 2000;

/** What {@link testDirectWrites} writes at a time, and after how much it gives up: the kernel should hold far less. */
const BLOCK = Buffer.alloc(
  65536,
  Uint8Array.from({ length: 256 }, (_, i) => i),
);
const MOST_WRITTEN = 64 * 1024 * 1024;

/** Moves the handle of a connection in the middle of it. @returns whether all went as it should */
export async function testMove(make: (socket: Socket) => TestedStream): Promise<boolean> {
  return withConnection(async (socket, client, countOpen, signal) => {
    const stream = make(socket);
    let seen = '';
    await attached(stream, signal, {
      onBytes(bytes, start, end) {
        const isShared = bytes === readPage;
        seen += `${Buffer.from(bytes.subarray(start, end)).toString()} ${isShared ? 'shared' : 'own'}, `;
        if (isShared) stream.end();
        else if (stream.move()) client.write('second');
        else stream.destroy();
      },
      onEnd() {
        seen += 'end';
      },
      onAttached() {
        client.on('end', () => client.end()).resume();
        client.write('first');
      },
    });
    return seen === 'first own, second shared, end' && (await countOpen()) === 0;
  });
}

/**
 * Learns how Node writes to handles, and writes to one: first what the kernel takes at once, then more than it takes,
 * and the end behind it.
 * @returns whether all of it arrived, and was told as it should
 */
export async function testDirectWrites(
  make: (socket: Socket) => TestedStream,
  handleOf: (socket: Socket) => WriteHandle,
): Promise<boolean> {
  return withConnection(async (socket, client, countOpen, signal) => {
    if (!learnToWrite(handleOf(socket), () => socket.write(BLOCK))) return false;
    const stream = make(socket);
    if (!stream.move() || !stream.writeDirectly()) return false;
    let written = BLOCK.length;
    let arrived = 0;
    let isRight = true;
    let drains = 0;
    client.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; ) {
        const from = arrived % BLOCK.length;
        const length = Math.min(chunk.length - at, BLOCK.length - from);
        if (chunk.compare(BLOCK, from, from + length, at, at + length) !== 0) isRight = false;
        at += length;
        arrived += length;
      }
    });
    client.on('end', () => client.end());
    client.pause();
    await attached(stream, signal, {
      onDrain() {
        drains++;
      },
      onAttached() {
        isRight = stream.write(BLOCK, 0, BLOCK.length) === CONSUMED && stream.queuedBytes === 0;
        written += BLOCK.length;
        while (stream.queuedBytes === 0 && written < MOST_WRITTEN) {
          stream.write(BLOCK, 0, BLOCK.length);
          written += BLOCK.length;
        }
        if (stream.queuedBytes === 0) isRight = false;
        stream.end();
        client.resume();
      },
    });
    return isRight && drains === 1 && arrived === written && (await countOpen()) === 0;
  });
}

type Part = Partial<ByteStreamHandler> & { readonly onAttached: () => void };

/** Attaches a handler that lacks what it does not care for. Resolves when the stream is closed, without a cause. */
async function attached(stream: TestedStream, signal: AbortSignal, part: Part): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      stream.attach({
        onBytes() {},
        onDrain() {},
        onEnd() {},
        ...part,
        onClose: (cause) => (cause === undefined ? resolve() : reject(cause)),
      });
      part.onAttached();
    });
  } finally {
    stream.destroy();
  }
}

/** Both ends of a connection of this process with itself, and how many the server of it counts. */
async function withConnection(
  test: (socket: Socket, client: Socket, countOpen: () => Promise<number>, signal: AbortSignal) => Promise<boolean>,
): Promise<boolean> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
  let socket: Socket | undefined;
  try {
    const signal = AbortSignal.timeout(TIMEOUT);
    [socket] = (await once(server, 'connection', { signal })) as [Socket];
    const countOpen = (): Promise<number> =>
      new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
    return await test(socket, client, countOpen, signal);
  } finally {
    socket?.destroy();
    client.destroy();
    server.close();
  }
}
