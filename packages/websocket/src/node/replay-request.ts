import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { isSecure } from './opening.ts';

/** What Node's HTTP server keeps of a header where `maxHeadersCount` is not set: names and values counted apart. */
const KEPT_BY_DEFAULT = 2000;

/**
 * Whether fields of the request may be missing: Node drops what is above `maxHeadersCount`, though its parser has obeyed
 * it. Written anew without its Content-Length, a request would end before its body, and the body be taken for the next
 * request (request smuggling).
 */
export function mayLackFields(server: Server, request: IncomingMessage): boolean {
  const { maxHeadersCount } = server;
  const kept = typeof maxHeadersCount === 'number' ? maxHeadersCount * 2 : KEPT_BY_DEFAULT;
  return kept > 0 && request.rawHeaders.length >= kept;
}

/**
 * Serves a request as HTTP/1.1 whose Upgrade is to be ignored (RFC 9110 §7.8): curl's `Upgrade: h2c`, for one. Node
 * has taken the connection out of its HTTP server by the time it says so; here it is put back, with the head as it
 * was but without its wish to upgrade, followed by everything that came after.
 */
export function replayRequest(server: Server, request: IncomingMessage, socket: Socket, rest: Buffer): void {
  const head = Buffer.from(headWithoutUpgrade(request), 'latin1');
  socket.unshift(Buffer.concat([head, rest]));
  server.emit(isSecure(socket) ? 'secureConnection' : 'connection', socket);
}

function headWithoutUpgrade(request: IncomingMessage): string {
  const { method, url, httpVersion, rawHeaders } = request;
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    let value = rawHeaders[i + 1]!;
    const lower = name.toLowerCase();
    if (lower === 'upgrade') continue;
    if (lower === 'connection') {
      value = value
        .split(',')
        .map((option) => option.trim())
        .filter((option) => option !== '' && option.toLowerCase() !== 'upgrade')
        .join(', ');
      if (value === '') continue;
    }
    head += `${name}: ${value}\r\n`;
  }
  return `${head}\r\n`;
}
