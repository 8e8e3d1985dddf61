import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { HubLimits } from '../limits.ts';
import { endAnswer } from './turn.ts';

/** Whether whoever asked is gone. Nothing that is opened for them now would ever be closed. */
export function isGone(response: ServerResponse): boolean {
  return response.destroyed || response.closed;
}

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
