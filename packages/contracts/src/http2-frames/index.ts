/**
 * Frames of HTTP/2 by hand (RFC 9113 §4, §6), right or wrong, and a client and a server that send them. Its HPACK knows one
 * way alone: literals without indexing, new names, no Huffman code (RFC 7541 §6.2.2).
 */
import { once } from 'node:events';
import net from 'node:net';
import type { Scope } from '../support/clause.ts';

export const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;

export const CANCEL = 8;
export const ENHANCE_YOUR_CALM = 11;

export interface Http2Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** An integer of RFC 7541 §5.1 with a prefix of 7 bits. */
function hpackInteger(value: number): number[] {
  if (value < 127) return [value];
  const bytes = [127];
  for (value -= 127; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}

function hpackString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([Buffer.from(hpackInteger(bytes.length)), bytes]);
}

/** A header block. */
export function headerBlock(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), hpackString(name), hpackString(value)]));
}

/** The fields of a handshake that conforms, with others at their end; undefined leaves one out. */
export function connectFields(
  changes: Readonly<Record<string, string | undefined>> = {},
): (readonly [name: string, value: string])[] {
  const fields: Record<string, string | undefined> = {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'http',
    ':path': '/',
    ':authority': 'server.example',
    'sec-websocket-version': '13',
    ...changes,
  };
  return Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

export function headers(
  stream: number,
  fields: readonly (readonly [name: string, value: string])[],
  flags: number = END_HEADERS,
): Buffer {
  return frame(HEADERS, flags, stream, headerBlock(fields));
}

/** Tells each frame that comes. @param skip so many bytes are before the first: those of {@link PREFACE}, for a server */
export function readFrames(socket: net.Socket, onFrame: (frame: Http2Frame) => void, skip = 0): void {
  let rest: Buffer = Buffer.alloc(0);
  let skipped = 0;
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    const before = Math.min(skip - skipped, rest.length);
    skipped += before;
    rest = rest.subarray(before);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      onFrame({ type: rest[3]!, flags: rest[4]!, stream: rest.readUInt32BE(5), payload: rest.subarray(9, end) });
      rest = rest.subarray(end);
    }
  });
}

/** A server that says nothing by itself, and tells of each frame. @returns its port */
export async function frameServer(
  scope: Scope,
  onConnection: (socket: net.Socket) => void,
  onFrame: (frame: Http2Frame, socket: net.Socket) => void = () => {},
): Promise<number> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    readFrames(socket, (each) => onFrame(each, socket), PREFACE.length);
    onConnection(socket);
  });
  scope.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as net.AddressInfo).port;
}

/** A client that writes what it is told, answers nothing, and keeps what it reads. */
export class FrameClient {
  readonly socket: net.Socket;
  readonly frames: Http2Frame[] = [];
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  private isOver = false;
  private wake: (() => void) | undefined;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    readFrames(socket, (each) => {
      this.frames.push(each);
      this.wake?.();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.isOver = true;
        this.wake?.();
        resolve();
      });
    });
  }

  /** Opens a connection, and says the preface and empty settings. */
  static async connect(scope: Scope, port: number): Promise<FrameClient> {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    scope.after(() => socket.destroy());
    const client = new FrameClient(socket);
    await once(socket, 'connect');
    client.write(PREFACE, frame(SETTINGS, 0, 0));
    return client;
  }

  write(...frames: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** The first frame that is wanted; undefined where the connection ends without one. */
  async find(wanted: (frame: Http2Frame) => boolean): Promise<Http2Frame | undefined> {
    for (;;) {
      const found = this.frames.find(wanted);
      if (found !== undefined || this.isOver) return found;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** The error code of GOAWAY, once the connection has ended; undefined where there was none. */
  async ending(): Promise<number | undefined> {
    await this.closed;
    return this.frames.findLast(({ type }) => type === GOAWAY)?.payload.readUInt32BE(4);
  }

  /** The error code with which a stream was reset. */
  async resetOf(stream: number): Promise<number | undefined> {
    const found = await this.find((each) => each.type === RST_STREAM && each.stream === stream);
    return found?.payload.readUInt32BE(0);
  }
}
