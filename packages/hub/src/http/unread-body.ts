import type { ServerResponse } from 'node:http';
import { http2StreamOf, stopBody } from './http2-response.ts';
import type { HubRequest } from './request.ts';

/** A body of at most so many bytes is read to its end and thrown away, so that the connection can go on. */
const MAX_DISCARDED = 65_536;
/** Whoever sends more has so long to read the answer; then the connection is cut. */
const LINGER_MS = 2000;

/** Whether there is more to come of a request than is worth reading, when it is answered before its end. */
export function isUnread({ incoming, fields, httpVersion }: HubRequest): boolean {
  if (incoming.complete || incoming.destroyed) return false;
  if (httpVersion === '2') return true;
  const length = fields.get('content-length');
  if (length === undefined) return fields.has('transfer-encoding');
  return Number(length) > MAX_DISCARDED;
}

/**
 * Answers while the client still sends, and closes. Closing with bytes unread would reset the connection and could take
 * the answer with it (RFC 9112 §9.6): the answer is written whole, what comes is thrown away for a while, and only then
 * the connection ends.
 */
export function lingerUntilRead({ incoming }: HubRequest, response: ServerResponse, body: Buffer | undefined): void {
  if (http2StreamOf(response) !== undefined) {
    // There the end of a stream takes nothing else with it.
    stopBody(response);
    response.end(body);
    return;
  }
  response.setHeader('Connection', 'close');
  response.flushHeaders();
  if (body !== undefined) response.write(body);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(() => incoming.destroy(), LINGER_MS);
  response.once('close', () => clearTimeout(timer));
  incoming.once('end', end);
  incoming.once('error', () => clearTimeout(timer));
  incoming.resume();
}
