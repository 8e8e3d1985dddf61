import type { IncomingMessage, ServerResponse } from 'node:http';

/** The connection ends with this answer. HTTP/2 says that otherwise, of all streams at once (GOAWAY). */
export function closeAfter({ httpVersionMajor }: IncomingMessage, response: ServerResponse): void {
  if (httpVersionMajor < 2) response.setHeader('Connection', 'close');
}
