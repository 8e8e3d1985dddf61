import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, constants } from 'node:zlib';
import { STREAM_CHUNKS, STREAM_EVERY, type StreamChunk, type StreamForm } from '../probe/contract.ts';
import { COMPRESSED, NO_ROOM, type OnTheWay, STREAM_FAILED, unbuffered } from './advice.ts';
import { fail, ok, type Outcome, warn } from './check.ts';
import { ms } from './duration.ts';
import { type Probing, probePath } from './server.ts';
import type { Way } from './way.ts';

const TYPES: Readonly<Record<StreamForm, string>> = { sse: 'text/event-stream', ndjson: 'application/x-ndjson' };

interface Arrival {
  /** When the server wrote it, in milliseconds since the first. */
  readonly at: number;
  /** When it came, in milliseconds since the request. */
  readonly arrived: number;
}

interface Stream {
  readonly status: number;
  readonly arrivals: readonly Arrival[];
  readonly encoding: string;
  readonly error: Error | undefined;
}

/** Whether chunks come as they are written. What is late is looked at once more, slower: this machine may have been busy. */
export async function checkStream(
  way: Way,
  probing: Probing,
  form: StreamForm,
  timeout: number,
  onTheWay: OnTheWay,
): Promise<Outcome> {
  let stream = await readStream(way, probing, form, STREAM_EVERY.byDefault, timeout);
  if (isHeldBack(stream)) stream = await readStream(way, probing, form, 2 * STREAM_EVERY.byDefault, timeout);
  const { status, arrivals, encoding, error } = stream;
  if (isNoRoom(status)) return warn(`not looked at: ${status}`, NO_ROOM);
  if (status !== 200) return fail(error?.message ?? `answered with ${status}`, STREAM_FAILED);
  const first = arrivals[0]?.arrived;
  const values = { first, arrivals, encoding };
  if (first === undefined || arrivals.length < STREAM_CHUNKS) {
    const what = `${arrivals.length} of ${STREAM_CHUNKS} chunks came${error === undefined ? '' : ` (${error.message})`}`;
    return fail(what, unbuffered(onTheWay), values);
  }
  const packed = encoding === 'identity' ? '' : `, compressed by ${encoding}`;
  if (isHeldBack(stream)) {
    const groups = groupsOf(arrivals);
    const how = groups === 1 ? `all ${STREAM_CHUNKS} chunks at once` : `${STREAM_CHUNKS} chunks in ${groups} blocks`;
    return fail(`held back: ${how}, the first after ${ms(first)}${packed}`, unbuffered(onTheWay), values);
  }
  const measured = `as it is written, the first chunk after ${ms(first)}${packed}`;
  return packed === '' ? ok(measured, values) : warn(measured, COMPRESSED, values);
}

/** What a server of ours says to one probe too many. */
export const isNoRoom = (status: number | undefined): boolean => status === 429 || status === 503;

/** Half of the time between the first and the last chunk, or more: the first one waited for others. */
function isHeldBack({ arrivals }: Stream): boolean {
  if (arrivals.length < 2) return false;
  const late = arrivals.map(({ at, arrived }) => arrived - at);
  const duration = arrivals.at(-1)!.at - arrivals[0]!.at;
  return late[0]! - Math.min(...late) >= duration / 2;
}

function groupsOf(arrivals: readonly Arrival[]): number {
  let groups = 1;
  for (let at = 1; at < arrivals.length; at++) {
    const written = arrivals[at]!.at - arrivals[at - 1]!.at;
    if (arrivals[at]!.arrived - arrivals[at - 1]!.arrived > written / 2) groups++;
  }
  return groups;
}

async function readStream(
  way: Way,
  probing: Probing,
  form: StreamForm,
  every: number,
  timeout: number,
): Promise<Stream> {
  const begin = performance.now();
  const arrivals: Arrival[] = [];
  const longest = timeout + every * STREAM_CHUNKS;
  try {
    const headers = { Accept: TYPES[form], 'Accept-Encoding': 'gzip, deflate, br' };
    const { answer } = await way.get(probePath(probing, 'stream', { as: form, every }), headers, longest, false);
    const status = answer.statusCode ?? 0;
    const encoding = answer.headers['content-encoding'] ?? 'identity';
    if (status !== 200) answer.destroy();
    const error = status === 200 ? await readLines(answer, encoding, longest, take) : undefined;
    return { status, arrivals, encoding, error };
  } catch (error) {
    return { status: 0, arrivals, encoding: 'identity', error: error as Error };
  }

  function take(line: string): void {
    const json = /^(?:data: )?(\{.*\})$/.exec(line)?.[1];
    if (json === undefined) return;
    const { at } = JSON.parse(json) as StreamChunk;
    arrivals.push({ at, arrived: performance.now() - begin });
  }
}

/** @returns why it ended, where that was before its end */
export async function readLines(
  answer: IncomingMessage,
  encoding: string,
  timeout: number,
  take: (line: string) => void,
): Promise<Error | undefined> {
  const timer = setTimeout(() => answer.destroy(new Error('it does not end')), timeout);
  let failure: Error | undefined;
  const body = decoded(answer, encoding);
  for (const each of new Set<Readable>([answer, body])) {
    each.on('error', (error: Error) => {
      failure ??= error;
      body.destroy();
    });
  }
  try {
    for await (const line of createInterface({ input: body, crlfDelay: Infinity })) take(line);
  } catch (error) {
    failure ??= error as Error;
  } finally {
    clearTimeout(timer);
  }
  return failure;
}

/** What is compressed is read as far as it can be at any time. */
function decoded(answer: IncomingMessage, encoding: string): Readable {
  const flush = { flush: constants.Z_SYNC_FLUSH };
  if (encoding === 'gzip' || encoding === 'x-gzip') return answer.pipe(createGunzip(flush));
  if (encoding === 'deflate') return answer.pipe(createInflate(flush));
  if (encoding === 'br') return answer.pipe(createBrotliDecompress());
  return answer;
}
