import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { isSecure } from './opening.ts';

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
