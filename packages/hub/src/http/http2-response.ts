import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';

/*
 * Over HTTP/2 an answer is Node's Http2ServerResponse, which behaves as a ServerResponse does but for what is here.
 */

/** The stream of an answer over HTTP/2; undefined over HTTP/1.1. */
export function http2StreamOf(response: ServerResponse): ServerHttp2Stream | undefined {
  return (response as unknown as Partial<Http2ServerResponse>).stream;
}

/** Whether whoever asked is gone. Nothing that is opened for them now would ever be closed. */
export function isGone(response: ServerResponse): boolean {
  const stream = http2StreamOf(response);
  return stream === undefined ? response.destroyed || response.closed : stream.destroyed || stream.closed;
}

/**
 * Whether the body of a request that has ended is cut off, over HTTP/2: a reset with whatever code, or the end of the
 * session, ends it as END_STREAM does, but closes the stream first. Over HTTP/1.1 such a body just does not end.
 */
export function isCutOff(request: IncomingMessage): boolean {
  return (request as unknown as Partial<Http2ServerRequest>).stream?.closed === true;
}

/** How often it is looked whether an answer is out. */
const LOOK_MS = 10;

/** Once it is answered, asks the client to send no more of its body (RFC 9113 §8.1). */
export function stopBody(response: ServerResponse): void {
  const stream = http2StreamOf(response);
  if (stream === undefined || stream.endAfterHeaders) return;
  // Not the `finish` of the answer, which Node tells when the stream closes, as it would not for its client's part.
  stream.once('finish', () => setImmediate(closeWhenSaid, stream));
}

/** A reset overtakes what is still to be written, END_STREAM as well, and nobody tells when that is out. */
function closeWhenSaid(stream: ServerHttp2Stream): void {
  if (stream.destroyed) return;
  if (stream.state.localClose === 1) stream.close(constants.NGHTTP2_NO_ERROR);
  else setTimeout(closeWhenSaid, LOOK_MS, stream).unref();
}
