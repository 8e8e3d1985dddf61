import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ReceivedText } from './received-text.ts';
import type { Scope } from './site.ts';

/** A plain socket, for what no HTTP client would send. */
export class RawHttp {
  readonly socket: Socket;
  /** Resolves with what was received and not taken, when the connection is over. */
  readonly over: Promise<string>;
  private readonly received = new ReceivedText();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('data', (chunk: string) => this.received.push(chunk));
    socket.once('close', () => this.received.finish());
    this.over = this.received.rest();
  }

  static async connect(scope: Scope, port: number): Promise<RawHttp> {
    const socket = connect(port, '127.0.0.1');
    scope.after(() => socket.destroy());
    await once(socket, 'connect');
    return new RawHttp(socket);
  }

  /** The lines of a head, and what follows them. */
  send(lines: readonly string[], rest = ''): void {
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n${rest}`, 'latin1');
  }

  /** Takes everything up to and with `end`. */
  until(end: string): Promise<string> {
    return this.received.until(end);
  }
}

/** Whoever sends these bytes goes away after each part of them, and once it has been answered so far. */
export async function leaveAtAnyPoint(scope: Scope, port: number, request: string, answered: string): Promise<void> {
  for (let length = 1; length <= request.length; length += 7) {
    const client = await RawHttp.connect(scope, port);
    client.socket.write(request.slice(0, length));
    client.socket.resetAndDestroy();
    await client.over;
  }
  const client = await RawHttp.connect(scope, port);
  client.socket.write(request);
  await client.until(answered);
  client.socket.resetAndDestroy();
}

/** The fields of a handshake. */
export const HANDSHAKE = [
  'Host: 127.0.0.1',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
] as const;
