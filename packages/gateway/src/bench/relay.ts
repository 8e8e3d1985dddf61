import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Target } from './target.ts';

/** Bytes that went to the server and came from it. */
export interface WireBytes {
  readonly out: number;
  readonly in: number;
}

/**
 * Passes connections on to the target and counts what goes over them, as it is on the wire: with TLS encrypted, with
 * the headers of HTTP and of frames, without those of TCP and IP. It listens on a Unix socket, because a client that is
 * sent there still says the name of the target in its handshakes.
 */
export class CountingRelay {
  readonly socketPath: string;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly upstreams: Socket[] = [];

  private constructor(target: Target) {
    const name = `pulsebeacon-bench-${randomUUID()}`;
    // Windows keeps such names in a place of their own.
    this.socketPath = process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : path.join(tmpdir(), `${name}.sock`);
    this.server = createServer((downstream) => this.pass(downstream, target));
  }

  static async start(target: Target): Promise<CountingRelay> {
    const relay = new CountingRelay(target);
    relay.server.listen(relay.socketPath);
    await once(relay.server, 'listening');
    return relay;
  }

  /** All connections together, so far. */
  read(): WireBytes {
    let [out, received] = [0, 0];
    for (const { bytesWritten, bytesRead } of this.upstreams) {
      out += bytesWritten;
      received += bytesRead;
    }
    return { out, in: received };
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
    if (process.platform !== 'win32') await rm(this.socketPath, { force: true });
  }

  private pass(downstream: Socket, { socketPath, hostname, port }: Target): void {
    const upstream = socketPath === undefined ? connect({ host: hostname, port, noDelay: true }) : connect(socketPath);
    this.upstreams.push(upstream);
    for (const socket of [downstream, upstream]) {
      this.sockets.add(socket);
      socket.on('error', () => {
        downstream.destroy();
        upstream.destroy();
      });
      socket.once('close', () => this.sockets.delete(socket));
    }
    downstream.pipe(upstream);
    upstream.pipe(downstream);
  }
}
