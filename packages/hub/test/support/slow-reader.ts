import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Scope } from './site.ts';

/** A client that sends a request and reads nothing, until it is told to. */
export class SlowReader {
  private readonly socket: Socket;

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  static async connect(scope: Scope, port: number, head: readonly string[]): Promise<SlowReader> {
    const socket = connect(port, '127.0.0.1');
    scope.after(() => socket.destroy());
    socket.on('error', () => {});
    socket.pause();
    await once(socket, 'connect');
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    return new SlowReader(socket);
  }

  /** Reads until something comes, and goes away. */
  async readTo(end: Buffer): Promise<void> {
    let tail = Buffer.alloc(0);
    for await (const chunk of this.socket as AsyncIterable<Buffer>) {
      tail = Buffer.concat([tail, chunk]);
      if (tail.includes(end)) return;
      tail = tail.subarray(-end.length);
    }
    throw new Error('the connection ended without it');
  }
}
