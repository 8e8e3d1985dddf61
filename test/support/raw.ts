import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { Scope } from './cleanup.ts';

/** The head of a request that opens a WebSocket, with fields changed, added, or (undefined) left out. */
export function handshake(path: string, fields: Readonly<Record<string, string | undefined>> = {}): string {
  const all: Record<string, string | undefined> = {
    Host: '127.0.0.1',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    ...fields,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined);
  return `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

export interface FrameOptions {
  readonly fin?: boolean;
  readonly rsv1?: boolean;
}

/** A masked frame, the key being zero: what is sent is what is seen. */
export function frame(opcode: number, payload: Uint8Array, { fin = true, rsv1 = false }: FrameOptions = {}): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14);
  head[0] = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode;
  if (length < 126) head[1] = 0x80 | length;
  else if (length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}

/** A plain socket, for what no WebSocket client would do. Keeps everything that it reads. */
export class RawClient {
  readonly socket: Socket;
  /** Resolves when the connection is over, however it ended. */
  readonly over: Promise<void>;
  private received = Buffer.alloc(0);
  private waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake();
    });
    this.over = new Promise((resolve) =>
      socket.once('close', () => {
        resolve();
        this.wake();
      }),
    );
  }

  static async connect(scope: Scope, where: number | NetConnectOpts): Promise<RawClient> {
    const socket = connect(typeof where === 'number' ? { port: where, host: '127.0.0.1' } : where);
    scope.after(() => socket.destroy());
    const client = new RawClient(socket);
    await once(socket, 'connect');
    return client;
  }

  /** A WebSocket connection, its handshake done. What was read is what came after it. */
  static async open(
    scope: Scope,
    port: number,
    path: string,
    fields?: Parameters<typeof handshake>[1],
  ): Promise<RawClient> {
    const client = await RawClient.connect(scope, port);
    client.write(handshake(path, fields));
    const head = await client.readUntil('\r\n\r\n');
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`the handshake was refused: ${head}`);
    return client;
  }

  /** What has arrived, and was not taken by the other methods. */
  get bytes(): Buffer {
    return this.received;
  }

  write(data: string | Uint8Array): boolean {
    return typeof data === 'string' ? this.socket.write(data, 'latin1') : this.socket.write(data);
  }

  /** Takes everything up to and with `end`. */
  async readUntil(end: string): Promise<string> {
    for (;;) {
      const at = this.received.indexOf(end, 0, 'latin1');
      if (at >= 0) return this.take(at + end.length).toString('latin1');
      await this.more();
    }
  }

  /** Takes the next frame that the server sent: its first byte and its payload. */
  async readFrame(): Promise<{ first: number; payload: Buffer }> {
    while (this.received.length < 2) await this.more();
    const short = this.received[1]!;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    while (this.received.length < head) await this.more();
    const length =
      short < 126 ? short : short === 126 ? this.received.readUInt16BE(2) : Number(this.received.readBigUInt64BE(2));
    while (this.received.length < head + length) await this.more();
    const bytes = this.take(head + length);
    return { first: bytes[0]!, payload: bytes.subarray(head) };
  }

  /** Reads up to the server's close frame, and gives its code. */
  async readCloseCode(): Promise<number> {
    for (;;) {
      const { first, payload } = await this.readFrame();
      if (first === 0x88) return payload.readUInt16BE(0);
    }
  }

  private take(length: number): Buffer {
    const taken = this.received.subarray(0, length);
    this.received = this.received.subarray(length);
    return taken;
  }

  private async more(): Promise<void> {
    if (this.socket.destroyed) throw new Error(`the connection is over; left: ${this.received.toString('latin1')}`);
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}
