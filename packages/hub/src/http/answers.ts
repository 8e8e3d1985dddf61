import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { HubLimits } from '../limits.ts';
import { http2StreamOf } from './http2-response.ts';
import { endAnswer } from './turn.ts';

/** Answers with JSON that nobody keeps. @param headers further ones */
export function answerJson(
  limits: HubLimits,
  response: ServerResponse,
  json: string,
  status = 200,
  headers: OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(json),
    'Cache-Control': 'no-store',
    ...headers,
  });
  // As a string it leaves in one piece with the head.
  endAnswer(limits, response, json);
}

/**
 * Ends an answer whose head is there with a short text, both in one write. Behind what `end` itself is given Node puts an
 * empty piece, and asks the system to gather the two from a list, which takes longer than all that we do here.
 * @param isAscii it needs no encoding
 */
export function endWithText(response: ServerResponse, text: string, isAscii: boolean): void {
  const encoding = isAscii ? 'latin1' : 'utf8';
  if (isOnPlainSocket(response)) {
    // Corked, or Node would wait for the end of the turn, as more might follow.
    response.cork();
    response.write(text, encoding);
    response.uncork();
    response.end();
  } else response.end(text, encoding);
}

/** A write to TLS goes on for longer, so that an empty piece would follow all the same. */
function isOnPlainSocket(response: ServerResponse): boolean {
  if (http2StreamOf(response) !== undefined) return false;
  const { socket } = response;
  return socket !== null && (socket as Partial<TLSSocket>).encrypted !== true;
}
