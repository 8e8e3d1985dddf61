import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Scope } from './site.ts';

/** A plain socket, for what no HTTP client would send. */
export class RawHttp {
  readonly socket: Socket;
  /** Resolves with everything that was received, when the connection is over. */
  readonly over: Promise<string>;
  private received = '';
  private waiting: (() => void)[] = [];
  private isOver = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('data', (chunk: string) => {
      this.received += chunk;
      this.wake();
    });
    this.over = new Promise((resolve) =>
      socket.once('close', () => {
        this.isOver = true;
        this.wake();
        resolve(this.received);
      }),
    );
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
  async until(end: string): Promise<string> {
    for (;;) {
      const at = this.received.indexOf(end);
      if (at >= 0) {
        const taken = this.received.slice(0, at + end.length);
        this.received = this.received.slice(at + end.length);
        return taken;
      }
      if (this.isOver) throw new Error(`the connection is over; left: ${this.received}`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** The fields of a handshake. */
export const HANDSHAKE = [
  'Host: 127.0.0.1',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
] as const;
