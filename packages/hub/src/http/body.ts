import { quote, WireError } from '@pulsebeacon/wire';
import type { HubRequest } from './request.ts';

/** What a body is allowed, and how a refusal names it. */
export interface BodyLimit {
  /** Most bytes. */
  readonly size: number;
  /** In `413`: what has the limit, as in `a message of news`. */
  readonly what: string;
}

const NOTHING = Buffer.alloc(0);

/**
 * Reads the body of a request, as it comes; at the first byte too many nothing more is kept. How long it may take is
 * for the HTTP server to say (`requestTimeout`).
 * @returns undefined where the client went away in the middle of it: there is nobody to answer
 * @throws {WireError} `PB_CONTENT_CODING`, `PB_PAYLOAD_TOO_LARGE`
 */
export function readBody(request: HubRequest, limit: BodyLimit): Promise<Buffer | undefined> {
  const { incoming, fields } = request;
  const coding = fields.get('content-encoding');
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    const hint = 'send the body without, bodies are published byte for byte';
    return Promise.reject(new WireError('PB_CONTENT_CODING', `Content-Encoding is ${quote(coding)}: ${hint}`));
  }
  const length = fields.get('content-length');
  if (length !== undefined && Number(length) > limit.size) return Promise.reject(tooLarge(`${Number(length)}`, limit));
  return new Promise((resolve, reject) => {
    let first: Buffer = NOTHING;
    let more: Buffer[] | undefined;
    let size = 0;
    const stop = (): void => {
      incoming.off('data', onData).off('end', onEnd).off('close', onGone);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limit.size) {
        stop();
        incoming.pause();
        reject(tooLarge(`more than ${limit.size}`, limit));
      } else if (size === chunk.length) first = chunk;
      else if (more === undefined) more = [first, chunk];
      else more.push(chunk);
    };
    let isWhole = false;
    const onEnd = (): void => {
      isWhole = true;
      resolve(more === undefined ? first : Buffer.concat(more, size));
    };
    // To settle a promise twice is slow: Node would tell `multipleResolves`.
    const onGone = (): void => {
      if (!isWhole) resolve(undefined);
    };
    incoming.on('data', onData).on('end', onEnd).on('close', onGone);
    // Somebody who goes away in the middle is no fault of anybody's: `close` follows.
    incoming.on('error', ignore);
  });
}

function tooLarge(size: string, limit: BodyLimit): WireError {
  return new WireError('PB_PAYLOAD_TOO_LARGE', `the body has ${size} bytes: ${limit.what} has at most ${limit.size}`);
}

function ignore(): void {}
