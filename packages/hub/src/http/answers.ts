import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { HubLimits } from '../limits.ts';
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
