import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Refusal } from '@pulsebeacon/websocket';
import type { WireError } from '@pulsebeacon/wire';

/** What is answered to a request that is not served. The codes are stable. */
export type ProblemCode =
  | 'PB_MOVED'
  | 'PB_REQUEST_INVALID'
  | 'PB_HOST_INVALID'
  | 'PB_UNAUTHENTICATED'
  | 'PB_ADMIN_ONLY'
  | 'PB_ORIGIN_FORBIDDEN'
  | 'PB_NOT_FOUND'
  | 'PB_TRACE_UNKNOWN'
  | 'PB_CONNECTION_UNKNOWN'
  | 'PB_DEMO_FAULT'
  | 'PB_DEMO_UNKNOWN'
  | 'PB_DEMO_FULL'
  | 'PB_METHOD_NOT_ALLOWED'
  | 'PB_REQUEST_TIMEOUT'
  | 'PB_PRECONDITION_FAILED'
  | 'PB_CONTENT_TOO_LARGE'
  | 'PB_RANGE_NOT_SATISFIABLE'
  | 'PB_HOST_UNKNOWN'
  | 'PB_HANDSHAKE_RATE'
  | 'PB_PROBE_INVALID'
  | 'PB_PROBE_RATE'
  | 'PB_PROBE_BUSY'
  | 'PB_FIELDS_TOO_LARGE'
  | 'PB_TOO_MANY_FIELDS'
  | 'PB_INTERNAL';

/** Seconds after which somebody may try again whom a limit has sent away. */
export const RETRY_AFTER = '60';

interface ProblemEntry {
  readonly status: number;
  /** What is wrong and what to do, in a sentence. */
  readonly message: string;
}

export const PROBLEMS: Readonly<Record<ProblemCode, ProblemEntry>> = {
  PB_MOVED: { status: 307, message: 'it is somewhere else: see Location' },
  PB_REQUEST_INVALID: { status: 400, message: 'the request is not well-formed HTTP/1.1' },
  PB_HOST_INVALID: { status: 400, message: 'the request needs one Host field (RFC 9112 §3.2)' },
  PB_UNAUTHENTICATED: { status: 401, message: 'credentials are missing or not valid' },
  PB_ADMIN_ONLY: {
    status: 403,
    message: 'this is for those who run the server: ask on its own machine, or with a key that has the right admin',
  },
  PB_ORIGIN_FORBIDDEN: { status: 403, message: 'pages of other origins may not do this' },
  PB_NOT_FOUND: { status: 404, message: 'there is nothing at this path; channels are at /channels/NAME' },
  PB_TRACE_UNKNOWN: {
    status: 404,
    message: 'no handshake with this id in the last minute: connect with ?trace= and a random id, then ask for it here',
  },
  PB_CONNECTION_UNKNOWN: { status: 404, message: 'there is no such connection; it may have ended' },
  PB_DEMO_FAULT: { status: 400, message: 'the demonstration has no such fault' },
  PB_DEMO_UNKNOWN: { status: 404, message: 'this visit to the demonstration is over: begin another at /demo/break' },
  PB_METHOD_NOT_ALLOWED: { status: 405, message: 'this path has other methods: see Allow' },
  PB_REQUEST_TIMEOUT: { status: 408, message: 'the request did not arrive in time' },
  PB_PRECONDITION_FAILED: { status: 412, message: 'the file is another one by now' },
  PB_CONTENT_TOO_LARGE: { status: 413, message: 'the body is larger than a message may be' },
  PB_RANGE_NOT_SATISFIABLE: { status: 416, message: 'the file has no such bytes: see Content-Range' },
  PB_HOST_UNKNOWN: { status: 421, message: 'this server does not answer for the name in Host: --public-url lets it' },
  PB_FIELDS_TOO_LARGE: { status: 431, message: 'the header of the request is larger than 16 KiB' },
  PB_TOO_MANY_FIELDS: { status: 431, message: 'the request has more than 100 header fields' },
  PB_DEMO_FULL: { status: 503, message: 'as many people as may are at the demonstration: come back later' },
  PB_HANDSHAKE_RATE: { status: 503, message: 'more handshakes a second than --handshake-rate allows' },
  PB_PROBE_INVALID: { status: 400, message: 'the query is not what a probe takes' },
  PB_PROBE_RATE: { status: 429, message: 'more probes from this address than one run of pulsebeacon doctor needs' },
  PB_PROBE_BUSY: { status: 503, message: 'as many probes are under way as there may be at once' },
  PB_INTERNAL: { status: 500, message: 'the server failed; its log says why' },
};

export interface ProblemOptions {
  /** In place of the table's sentence. */
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A problem document (RFC 9457). */
export function problemBody(code: ProblemCode, detail: string = PROBLEMS[code].message): string {
  return bodyOf(PROBLEMS[code].status, code, detail);
}

function bodyOf(status: number, code: string, detail: string): string {
  return `${JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail, code })}\n`;
}

/** Answers with a problem document. */
export function sendProblem(response: ServerResponse, code: ProblemCode, options: ProblemOptions = {}): void {
  for (const [name, value] of Object.entries(options.headers ?? {})) response.setHeader(name, value);
  send(response, PROBLEMS[code].status, 'application/problem+json', problemBody(code, options.detail));
}

/**
 * Answers with what the hub, or who decides for it, has thrown.
 * @param challenge for a 401, which has to say what would do
 */
export function sendWireError(response: ServerResponse, { code, message, entry }: WireError, challenge: string): void {
  const { status } = entry;
  if (status === 401) response.setHeader('WWW-Authenticate', challenge);
  if (status === 429 || status === 503) response.setHeader('Retry-After', RETRY_AFTER);
  send(response, status, 'application/problem+json', bodyOf(status, code, message));
}

/** Answers an ordinary request with what refuses a handshake, or a stream that counts like one. */
export function sendRefusal(response: ServerResponse, { status, code, detail, headers }: Refusal): void {
  for (const [name, value] of headers) response.setHeader(name, value);
  send(response, status, 'application/problem+json', bodyOf(status, code, detail));
}

/** Answers with JSON that nobody keeps. */
export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  send(response, status, 'application/json', `${JSON.stringify(value)}\n`);
}

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  const body = Buffer.from(text);
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Length', body.length);
  response.setHeader('Cache-Control', 'no-store');
  response.writeHead(status);
  response.end(body);
}
