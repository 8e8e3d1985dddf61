import { type ServerResponse, STATUS_CODES } from 'node:http';
import { type HeadersInput, Refusal } from '@pulsebeacon/websocket';
import type { WireError } from '@pulsebeacon/wire';
import { CredentialsMissing } from '../access.ts';
import type { Hub } from '../hub.ts';
import { isGone } from './http2-response.ts';
import { isUnread, lingerUntilRead } from './unread-body.ts';
import type { HubRequest } from './request.ts';

/** Seconds after which somebody may come back: sooner where it is a rate, later where the server has to recover. */
const RETRY_AFTER: Readonly<Record<number, number>> = { 408: 1, 409: 1, 429: 1, 500: 5, 503: 5 };

/** Statuses whose answers have no content (RFC 9110 §15). */
const WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 205, 304]);

/** What is wrong as an HTTP answer, with the header fields that belong to it. */
export function refusalOf(hub: Hub, error: WireError, headers: HeadersInput = {}): Refusal {
  const { code, message, entry } = error;
  const all: Record<string, string> = { ...(headers as Record<string, string>) };
  const seconds = entry.retry ? RETRY_AFTER[entry.status] : undefined;
  if (seconds !== undefined) all['Retry-After'] ??= String(seconds);
  const { challenge = 'Bearer', remedy } = hub.options.authenticator ?? {};
  if (entry.status === 401) all['WWW-Authenticate'] ??= challenge;
  // Credentials that are not valid are refused with a sentence of the authenticator's own.
  const detail = error instanceof CredentialsMissing && remedy !== undefined ? `${message}: ${remedy}` : message;
  return new Refusal(entry.status, { code, detail, headers: all });
}

/** Answers with what is wrong, as problem+json (RFC 9457). @param headers further ones, such as Allow */
export function answerError(
  hub: Hub,
  request: HubRequest,
  response: ServerResponse,
  error: unknown,
  headers: HeadersInput = {},
): void {
  const wireError = hub.toWireError(error);
  hub.onRefused(wireError, request.toOrigin());
  answerRefusal(request, response, refusalOf(hub, wireError, headers));
}

/** Answers with a refusal. The connection goes on, unless what the client still sends is too much to be read for it. */
export function answerRefusal(request: HubRequest, response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent || isGone(response)) return void response.destroy();
  const { code, detail, headers } = refusal;
  // A 426 has to say Upgrade, which HTTP/2 has not.
  const status = refusal.status === 426 && request.httpVersion === '2' ? 400 : refusal.status;
  const title = STATUS_CODES[status];
  const isEmpty = WITHOUT_CONTENT.has(status);
  const problem = { type: 'about:blank', title, status, ...(detail === '' ? {} : { detail }), code };
  const body = Buffer.from(refusal.body ?? `${JSON.stringify(problem)}\n`);
  response.statusCode = status;
  if (!isEmpty) {
    const ownType = typeof refusal.body === 'string' ? 'text/plain; charset=utf-8' : 'application/octet-stream';
    response.setHeader('Content-Type', refusal.body === undefined ? 'application/problem+json' : ownType);
    response.setHeader('Content-Length', body.length);
  }
  // Without it, caches may keep a 404 or a 405 for the path as such (RFC 9110 §15.1).
  response.setHeader('Cache-Control', 'no-store');
  // Whoever asked by Upgrade is told by what (RFC 9110 §15.5.22).
  if (status === 426) response.setHeader('Upgrade', 'websocket').setHeader('Connection', 'Upgrade');
  for (const [name, value] of headers) appendField(response, name, value);
  const hasBody = !isEmpty && request.method !== 'HEAD';
  if (isUnread(request)) lingerUntilRead(request, response, hasBody ? body : undefined);
  else response.end(hasBody ? body : undefined);
}

/** A field of the refusal replaces ours; several lines of its own stay several lines, as Set-Cookie has to. */
function appendField(response: ServerResponse, name: string, value: string): void {
  if (/^(set-cookie|www-authenticate|link|vary)$/i.test(name)) response.appendHeader(name, value);
  else response.setHeader(name, value);
}
