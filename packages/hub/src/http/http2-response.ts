import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';

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

/** Once it is answered, asks the client to send no more of its body (RFC 9113 §8.1). */
export function stopBody(response: ServerResponse): void {
  const stream = http2StreamOf(response);
  if (stream === undefined || stream.endAfterHeaders) return;
  response.once('finish', () => setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR)));
}
