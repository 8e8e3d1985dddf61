import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { closeAfter } from './close-after.ts';
import { sendProblem } from './problems.ts';

/** What describes the body describes the answer, too. */
const REPRESENTATION_FIELDS = ['content-type', 'content-encoding'] as const;
const DEFAULT_TYPE = 'application/octet-stream';

/** A client that is still sending would not see the refusal: for so long, what it sends is read and dropped. */
const LINGER_MS = 2000;

/**
 * `POST /echo`: what `/echo` is by WebSocket, as a request and its answer. The answer has the body as it came, and no
 * more fields than every answer has.
 *
 * @param maxSize most bytes of the body; above it, 413
 */
export function echoPost(request: IncomingMessage, response: ServerResponse, maxSize: number): void {
  const chunks: Buffer[] = [];
  let size = 0;
  let lingering: NodeJS.Timeout | undefined;
  const refuse = (): void => {
    closeAfter(request, response);
    sendProblem(response, 'PB_CONTENT_TOO_LARGE', {
      detail: `the body has more than ${maxSize} bytes (--max-message-size)`,
    });
  };
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= maxSize) chunks.push(chunk);
    else lingering ??= setTimeout(refuse, LINGER_MS);
  });
  request.once('end', () => {
    if (isCutOff(request)) return;
    if (size <= maxSize) answer(request, response, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    else if (!response.headersSent) refuse();
  });
  response.once('close', () => clearTimeout(lingering));
}

/** Over HTTP/2 the body of a client that goes away in the middle of it ends, too, but its stream is closed before. */
function isCutOff(request: IncomingMessage): boolean {
  return (request as unknown as Partial<Http2ServerRequest>).stream?.closed === true;
}

function answer({ headers }: IncomingMessage, response: ServerResponse, body: Buffer): void {
  response.setHeader('Content-Type', DEFAULT_TYPE);
  for (const name of REPRESENTATION_FIELDS) {
    const value = headers[name];
    if (value !== undefined) response.setHeader(name, value);
  }
  response.setHeader('Content-Length', body.length);
  response.writeHead(200);
  response.end(body);
}
