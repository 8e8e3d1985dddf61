/*
 * What `pulsebeacon doctor` asks a server for, and every `pulsebeacon serve` answers: what arrives of a request, and
 * answers that show what is done to them on the way.
 */

/** Below this path, relative to where the server is. */
export const PROBE_FOLDER = 'probe/';

export type ProbeName = 'request' | 'stream' | 'silence' | 'wait' | 'socket';

/** Chunks of a stream: enough to tell one by one from all at once. */
export const STREAM_CHUNKS = 5;
/** Milliseconds between them, unless `every` says otherwise. */
export const STREAM_EVERY = { byDefault: 200, least: 10, most: 1000 } as const;
/** Milliseconds that `silence` and `wait` take at most. */
export const LONGEST_SILENCE = 120_000;
/** Bytes that a message of the socket has at most. */
export const LARGEST_MESSAGE = 65_536;
/** Payload of the frames in which a message comes back. */
export const ECHO_FRAME = 16_384;

export type StreamForm = 'sse' | 'ndjson';

/** What arrived of a request: the answer of `probe/request`. */
export interface SeenRequest {
  /** The version of this contract; whatever has none is no `pulsebeacon serve`. */
  readonly probe: 1;
  /** What the asker sent along, to tell an answer from a copy of an earlier one. */
  readonly nonce: string | null;
  /** Of the last hop. */
  readonly httpVersion: string;
  readonly secure: boolean;
  /** The address from which the request came: the asker's own, or that of the last proxy. Null on a Unix socket. */
  readonly peer: string | null;
  /** The fields that proxies add, take away or change, as they arrived. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** A chunk of `probe/stream`. */
export interface StreamChunk {
  /** From 1. */
  readonly chunk: number;
  /** Milliseconds since the first one, as the server wrote it. */
  readonly at: number;
}
