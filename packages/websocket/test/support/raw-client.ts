import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { closeBody, concat, type FrameSpec, fromClient, utf8 } from './frames.ts';

/** Where to connect: a port of 127.0.0.1, or the path of a Unix socket. */
export type Target = number | string;

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly httpVersion?: string;
  /** Take the place of the handshake's own of the same name; `undefined` leaves one out, an array sends several. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
/** What RFC 6455 §1.3 says that belongs to {@link KEY}. */
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** The head of an opening handshake, or of any other request. */
export function handshake({ method = 'GET', path = '/', httpVersion = '1.1', headers = {} }: RawRequest = {}): string {
  const fields: Record<string, string | readonly string[] | undefined> = {
    Host: 'server.example',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': KEY,
    ...headers,
  };
  let head = `${method} ${path} HTTP/${httpVersion}\r\n`;
  for (const [name, value] of Object.entries(fields)) {
    for (const line of value === undefined ? [] : [value].flat()) head += `${name}: ${line}\r\n`;
  }
  return `${head}\r\n`;
}

/** The head of an answer. */
export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

export interface ReceivedFrame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly payload: Buffer;
}

const OPCODES: Readonly<Record<number, string>> = {
  0: 'continuation',
  1: 'text',
  2: 'binary',
  8: 'close',
  9: 'ping',
  10: 'pong',
};

/** A frame in words: `text "Hello"`, `close 1000 ""`, `binary 010203`. */
export function describeFrame({ fin, rsv, opcode, payload }: ReceivedFrame): string {
  const name = `${fin ? '' : 'unfinished '}${rsv === 0 ? '' : `rsv${rsv} `}${OPCODES[opcode] ?? opcode}`;
  if (opcode === 8) {
    return payload.length === 0
      ? name
      : `${name} ${payload.readUInt16BE(0)} ${JSON.stringify(payload.toString('utf8', 2))}`;
  }
  return opcode === 2 ? `${name} ${payload.toString('hex')}` : `${name} ${JSON.stringify(payload.toString())}`;
}

/** How the connection ended, as the client saw it. */
export interface Ending {
  /** The server said that nothing more would come (FIN), before anything else ended the connection. */
  readonly wasEnded: boolean;
  /** Such as `ECONNRESET`. */
  readonly error: string | undefined;
}

/**
 * A client that speaks HTTP and frames by hand, right or wrong, and shares no code with the package. It keeps the
 * connection half open until it is told otherwise, and answers nothing by itself.
 */
export class RawClient {
  readonly socket: net.Socket;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<Ending>;
  private chunks: Buffer[] = [];
  private length = 0;
  private isOver = false;
  private wake: (() => void) | undefined;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    let wasEnded = false;
    let error: string | undefined;
    socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.length += chunk.length;
      this.wake?.();
    });
    socket.on('error', (cause: NodeJS.ErrnoException) => (error = cause.code ?? cause.message));
    socket.on('end', () => {
      wasEnded = true;
      this.over();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.over();
        resolve({ wasEnded, error });
      });
    });
  }

  /** Speaks frames over a stream of HTTP/2, whose CONNECT was accepted. */
  static over(stream: Duplex): RawClient {
    return new RawClient(stream as net.Socket);
  }

  /** Opens the network connection. */
  static async connect(target: Target, secure = false, localAddress?: string): Promise<RawClient> {
    const where = typeof target === 'number' ? { port: target, host: '127.0.0.1' } : { path: target };
    const socket = secure
      ? tls.connect({ ...where, rejectUnauthorized: false, allowHalfOpen: true } as unknown as tls.ConnectionOptions)
      : net.connect({
          ...where,
          allowHalfOpen: true,
          noDelay: true,
          ...(localAddress === undefined ? {} : { localAddress }),
        });
    const client = new RawClient(socket);
    await once(socket, secure ? 'secureConnect' : 'connect');
    return client;
  }

  /** Opens a WebSocket. */
  static async open(target: Target, request: RawRequest = {}, secure = false): Promise<RawClient> {
    const client = await RawClient.connect(target, secure);
    client.write(handshake(request));
    const answer = await client.readAnswer();
    assert.equal(answer.status, 101, `the handshake was answered with ${answer.status}`);
    assert.equal(answer.headers.get('sec-websocket-accept'), ACCEPT);
    return client;
  }

  write(...parts: readonly (string | Uint8Array)[]): void {
    this.socket.write(concat(...parts.map((part) => (typeof part === 'string' ? utf8(part) : part))));
  }

  send(spec: FrameSpec): void {
    this.write(fromClient(spec));
  }

  sendText(text: string): void {
    this.send({ opcode: 1, payload: utf8(text) });
  }

  sendClose(code?: number, reason?: string): void {
    this.send({ opcode: 8, ...(code === undefined ? {} : { payload: closeBody(code, reason) }) });
  }

  /** Says that nothing more will come (FIN). */
  end(): void {
    this.socket.end();
  }

  /** Cuts the connection (RST). */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Ends the connection and drops what is left. */
  destroy(): void {
    this.socket.destroy();
  }

  async readAnswer(): Promise<Answer> {
    const head = await this.readUntil('\r\n\r\n');
    const [line, ...fields] = head.slice(0, -4).split('\r\n');
    const headers = new Map<string, string>();
    for (const field of fields) {
      const colon = field.indexOf(': ');
      const name = field.slice(0, colon).toLowerCase();
      headers.set(name, [...(headers.has(name) ? [headers.get(name)!] : []), field.slice(colon + 2)].join(', '));
    }
    return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(line!)?.[1]), headers };
  }

  /** The answer with its body, whose length it must say. */
  async readResponse(): Promise<Answer & { readonly body: string }> {
    const answer = await this.readAnswer();
    if (answer.headers.get('transfer-encoding') === 'chunked') return { ...answer, body: await this.readChunked() };
    const length = Number(answer.headers.get('content-length') ?? 0);
    return { ...answer, body: (await this.read(length)).toString() };
  }

  private async readChunked(): Promise<string> {
    let body = '';
    for (;;) {
      const size = Number.parseInt(await this.readUntil('\r\n'), 16);
      body += (await this.read(size)).toString();
      await this.readUntil('\r\n');
      if (size === 0) return body;
    }
  }

  /** The next frame; undefined where the connection ended instead. */
  async readFrame(): Promise<ReceivedFrame | undefined> {
    if (!(await this.has(2))) {
      assert.equal(this.length, 0, 'the connection ended inside a frame');
      return undefined;
    }
    const [first, second] = this.peek(2) as unknown as [number, number];
    assert.equal(second & 0x80, 0, 'a server sent a masked frame');
    const short = second & 0x7f;
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    assert.ok(await this.has(header), 'the connection ended inside a frame');
    const head = this.peek(header);
    const length = short < 126 ? short : short === 126 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2));
    const payload = (await this.read(header + length)).subarray(header);
    return { fin: (first & 0x80) !== 0, rsv: (first & 0x70) >> 4, opcode: first & 0x0f, payload };
  }

  /** The next frame in words; `end` where the connection ended instead. */
  async next(): Promise<string> {
    const frame = await this.readFrame();
    return frame === undefined ? 'end' : describeFrame(frame);
  }

  /** All frames that still come, in words, until the server ends. */
  async rest(): Promise<string[]> {
    const frames: string[] = [];
    for (let frame = await this.next(); frame !== 'end'; frame = await this.next()) frames.push(frame);
    return frames;
  }

  /** Everything that still comes until the server ends. */
  async readToEnd(): Promise<Buffer> {
    while (!this.isOver) await this.more();
    return this.take(this.length);
  }

  async read(length: number): Promise<Buffer> {
    assert.ok(await this.has(length), `the connection ended after ${this.length} of ${length} bytes`);
    return this.take(length);
  }

  async readUntil(mark: string): Promise<string> {
    for (;;) {
      const at = this.join().indexOf(mark);
      if (at !== -1) return this.take(at + mark.length).toString('latin1');
      assert.ok(
        !this.isOver,
        `the connection ended without ${JSON.stringify(mark)}: ${this.join().toString('latin1')}`,
      );
      await this.more();
    }
  }

  /** Reads from here on, or does not: then the server feels it once the buffers between are full. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  private async has(length: number): Promise<boolean> {
    while (this.length < length && !this.isOver) await this.more();
    return this.length >= length;
  }

  private more(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }

  private over(): void {
    this.isOver = true;
    this.wake?.();
  }

  private join(): Buffer {
    if (this.chunks.length !== 1) this.chunks = [Buffer.concat(this.chunks, this.length)];
    return this.chunks[0]!;
  }

  private peek(length: number): Buffer {
    if ((this.chunks[0]?.length ?? 0) < length) this.join();
    return this.chunks[0]!.subarray(0, length);
  }

  private take(length: number): Buffer {
    if (length === 0) return Buffer.alloc(0);
    const taken = this.peek(length);
    this.chunks[0] = this.chunks[0]!.subarray(length);
    if (this.chunks[0].length === 0) this.chunks.shift();
    this.length -= length;
    return taken;
  }
}
