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

/** {@link testDirectWrites} writes a pattern that begins anew after so many bytes, */
const PATTERN_BYTES = 256;
/** a little, which every kernel takes at once, */
const LITTLE = 4 * PATTERN_BYTES;
/** and then so much again and again, until the kernel takes no more; it should hold far less than the most. */
const MUCH = 256 * PATTERN_BYTES;
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
  const pattern = Buffer.alloc(
    MUCH,
    Uint8Array.from({ length: PATTERN_BYTES }, (_, i) => i),
  );
  return withConnection(async (socket, client, countOpen, signal) => {
    if (!learnToWrite(handleOf(socket), () => socket.write(pattern.subarray(0, LITTLE)))) return false;
    const stream = make(socket);
    if (!stream.move() || !stream.writeDirectly()) return false;
    const got = expectPattern(client, pattern);
    client.on('end', () => client.end()).pause();
    let written = 2 * LITTLE;
    let isTold = false;
    let drains = 0;
    await attached(stream, signal, {
      onDrain() {
        drains++;
      },
      onAttached() {
        const isConsumed = stream.write(pattern, 0, LITTLE) === CONSUMED && stream.queuedBytes === 0;
        for (; stream.queuedBytes === 0 && written < MOST_WRITTEN; written += MUCH) stream.write(pattern, 0, MUCH);
        isTold = isConsumed && stream.queuedBytes > 0;
        stream.end();
        client.resume();
      },
    });
    return isTold && drains === 1 && got.bytes === written && (await countOpen()) === 0;
  });
}

/** Counts what a socket gets; not a number, as soon as that is not the pattern. */
function expectPattern(socket: Socket, pattern: Buffer): { readonly bytes: number } {
  const got = { bytes: 0 };
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length && !Number.isNaN(got.bytes); ) {
      const from = got.bytes % PATTERN_BYTES;
      const length = Math.min(chunk.length - at, pattern.length - from);
      const isRight = chunk.compare(pattern, from, from + length, at, at + length) === 0;
      got.bytes = isRight ? got.bytes + length : Number.NaN;
      at += length;
    }
  });
  return got;
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
