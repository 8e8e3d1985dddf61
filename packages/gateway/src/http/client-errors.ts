import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { codeOf } from '../failure.ts';
import { problemBody, type ProblemCode, PROBLEMS } from './problems.ts';

const CODES: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'PB_FIELDS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'PB_REQUEST_TIMEOUT',
};

/** A client that has been answered may take its time to read; then the connection is cut. */
const LINGER_MS = 2000;

/** Answers what Node cannot read as a request, or has waited for too long: there is no response object for it. */
export function answerClientError(error: Error, socket: Duplex): void {
  // Nobody is there to read an answer, or one was given.
  if (!socket.writable || codeOf(error) === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const code = CODES[codeOf(error) ?? ''] ?? 'PB_REQUEST_INVALID';
  const { status } = PROBLEMS[code];
  const body = problemBody(code);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      'Connection: close\r\n' +
      `Date: ${new Date().toUTCString()}\r\n` +
      'Cache-Control: no-store\r\n' +
      'Content-Type: application/problem+json\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
