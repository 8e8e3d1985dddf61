import { quote, WireError } from '@pulsebeacon/wire';
import { isCutOff } from './http2-response.ts';
import type { HubRequest } from './request.ts';

/** What a body is allowed, and how a refusal names it. */
export interface BodyLimit {
  /** Most bytes. */
  readonly size: number;
  /** In `413`: what has the limit, as in `a message of news`. */
  readonly what: string;
}

/** Who is given a body: all of it, or why not. Neither comes where the client goes away in the middle of it. */
export interface BodyReceiver {
  onBody(body: Buffer): void;
  /** `PB_CONTENT_CODING`, `PB_PAYLOAD_TOO_LARGE` */
  onBodyRefused(error: WireError): void;
}

const NOTHING = Buffer.alloc(0);

/**
 * Reads the body of a request, as it comes; at the first byte too many nothing more is kept. How long it may take is
 * for the HTTP server to say (`requestTimeout`).
 */
export function receiveBody(request: HubRequest, limit: BodyLimit, receiver: BodyReceiver): void {
  const { incoming } = request;
  const refusal = findRefusal(request, limit);
  if (refusal !== undefined) return receiver.onBodyRefused(refusal);
  let first: Buffer = NOTHING;
  let more: Buffer[] | undefined;
  let size = 0;
  const onData = (chunk: Buffer): void => {
    size += chunk.length;
    if (size > limit.size) {
      incoming.off('data', onData).off('end', onEnd);
      incoming.pause();
      receiver.onBodyRefused(tooLarge(`more than ${limit.size}`, limit));
    } else if (size === chunk.length) first = chunk;
    else if (more === undefined) more = [first, chunk];
    else more.push(chunk);
  };
  const onEnd = (): void => {
    if (!isCutOff(incoming)) receiver.onBody(more === undefined ? first : Buffer.concat(more, size));
  };
  // Somebody who goes away in the middle is no fault of anybody's: Node tells of it as an error, but only who listens for it.
  incoming.on('data', onData).on('end', onEnd);
}

/**
 * As {@link receiveBody}, for those who wait.
 * @returns undefined where the client went away in the middle of it: there is nobody to answer
 * @throws {WireError} `PB_CONTENT_CODING`, `PB_PAYLOAD_TOO_LARGE`
 */
export function readBody(request: HubRequest, limit: BodyLimit): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const { incoming } = request;
    // To settle a promise twice is slow: Node would tell `multipleResolves`.
    const onGone = (): void => resolve(undefined);
    incoming.on('close', onGone);
    receiveBody(request, limit, {
      onBody: (body) => {
        incoming.off('close', onGone);
        resolve(body);
      },
      onBodyRefused: (error) => {
        incoming.off('close', onGone);
        reject(error);
      },
    });
  });
}

/** What a header says already of a body that is not taken. */
function findRefusal({ fields }: HubRequest, limit: BodyLimit): WireError | undefined {
  const coding = fields.get('content-encoding');
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    const hint = 'send the body without, bodies are published byte for byte';
    return new WireError('PB_CONTENT_CODING', `Content-Encoding is ${quote(coding)}: ${hint}`);
  }
  const length = fields.get('content-length');
  return length !== undefined && Number(length) > limit.size ? tooLarge(`${Number(length)}`, limit) : undefined;
}

function tooLarge(size: string, limit: BodyLimit): WireError {
  return new WireError('PB_PAYLOAD_TOO_LARGE', `the body has ${size} bytes: ${limit.what} has at most ${limit.size}`);
}
