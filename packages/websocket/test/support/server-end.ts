import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { type ClientConnection, connect, type ConnectOptions, HandshakeError } from '@pulsebeacon/websocket';
import { failed } from './connecting.ts';
import { closeBody, type FrameSpec, fromServer, transform, utf8 } from './frames.ts';
import { describeFrame, type ReceivedFrame } from './raw-client.ts';
import { type RawHandshake, rawServer } from './raw-server.ts';
import { Log } from './servers.ts';

/** A frame of the client as it is on the wire. */
export interface ClientFrame extends ReceivedFrame {
  readonly masked: boolean;
  /** The masking key; empty where the frame is not masked. */
  readonly key: Buffer;
  /** What the second byte says of the length: below 126, or 126 or 127 for the longer forms. */
  readonly shortLength: number;
  /** Before unmasking. */
  readonly wire: Buffer;
}

/**
 * The server's end of a connection that our client opened. It speaks frames by hand, right or wrong, shares no code with
 * the package, and answers nothing by itself.
 */
export class ServerEnd {
  readonly handshake: RawHandshake;
  private readonly socket: Socket;
  private buffer: Buffer;
  private isOver = false;
  private wake: (() => void) | undefined;

  /** Has to be made in the turn in which the handshake was read, or bytes behind it are lost. */
  constructor(handshake: RawHandshake) {
    this.handshake = handshake;
    const { socket, text } = handshake;
    this.socket = socket;
    this.buffer = Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1');
    const over = (): void => {
      this.isOver = true;
      this.wake?.();
    };
    socket.on('data', (chunk: Buffer) => {
      this.buffer = Buffer.concat([this.buffer, chunk]);
      this.wake?.();
    });
    socket.on('end', over).on('close', over);
  }

  /** Bytes that have come and were not read yet. */
  get unread(): Buffer {
    return this.buffer;
  }

  /** The client has ended its side of the TCP connection, or cut it. */
  get isEnded(): boolean {
    return this.isOver;
  }

  write(...parts: readonly (string | Uint8Array)[]): void {
    this.socket.write(Buffer.concat(parts.map((part) => Buffer.from(part as string))));
  }

  send(...frames: readonly FrameSpec[]): void {
    this.write(...frames.map(fromServer));
  }

  sendText(text: string): void {
    this.send({ opcode: 1, payload: utf8(text) });
  }

  sendClose(code?: number, reason?: string): void {
    this.send({ opcode: 8, ...(code === undefined ? {} : { payload: closeBody(code, reason) }) });
  }

  /** Closes the TCP connection: says that nothing more comes (FIN). */
  end(): void {
    this.socket.end();
  }

  /** Cuts the connection (RST). */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** The next frame; undefined where the client ended instead. */
  async frame(): Promise<ClientFrame | undefined> {
    if (!(await this.has(2))) {
      assert.equal(this.buffer.length, 0, 'the client ended inside a frame');
      return undefined;
    }
    const [first, second] = this.buffer as unknown as [number, number];
    const masked = second >= 0x80;
    const shortLength = second & 0x7f;
    const lengthEnd = shortLength < 126 ? 2 : shortLength === 126 ? 4 : 10;
    const header = lengthEnd + (masked ? 4 : 0);
    assert.ok(await this.has(header), 'the client ended inside a frame');
    let length = shortLength;
    if (shortLength === 126) length = this.buffer.readUInt16BE(2);
    if (shortLength === 127) length = Number(this.buffer.readBigUInt64BE(2));
    assert.ok(await this.has(header + length), 'the client ended inside a frame');
    const key = this.buffer.subarray(lengthEnd, header);
    const wire = this.buffer.subarray(header, header + length);
    this.buffer = this.buffer.subarray(header + length);
    const payload = Buffer.from(masked ? transform(wire, key) : wire);
    const [fin, rsv, opcode] = [first >= 0x80, (first & 0x70) >> 4, first & 0x0f];
    return { fin, rsv, opcode, masked, key, shortLength, wire, payload };
  }

  /** So many frames. */
  async frames(count: number): Promise<ClientFrame[]> {
    const frames: ClientFrame[] = [];
    while (frames.length < count) {
      const frame = await this.frame();
      assert.ok(frame !== undefined, `the client ended after ${frames.length} frames`);
      frames.push(frame);
    }
    return frames;
  }

  /** The next frame in words; `end` where the client ended instead. */
  async next(): Promise<string> {
    const frame = await this.frame();
    return frame === undefined ? 'end' : describeFrame(frame);
  }

  /** All frames that still come, in words, until the client ends. */
  async rest(): Promise<string[]> {
    const frames: string[] = [];
    for (let frame = await this.next(); frame !== 'end'; frame = await this.next()) frames.push(frame);
    return frames;
  }

  /** Resolves when the client has ended. */
  async ended(): Promise<void> {
    while (!this.isOver) await this.more();
  }

  private async has(length: number): Promise<boolean> {
    while (this.buffer.length < length && !this.isOver) await this.more();
    return this.buffer.length >= length;
  }

  private more(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }
}

export interface Met {
  readonly client: ClientConnection<unknown>;
  readonly server: ServerEnd;
  /** What the client's handlers were told, in words. */
  readonly log: Log;
}

/**
 * Our client, connected to a server that a test speaks for. Both are gone when the test ends.
 * @param answer further fields of the server's answer
 */
export async function meet(
  t: TestContext,
  options: ConnectOptions<unknown> = {},
  answer: readonly string[] = [],
): Promise<Met> {
  let server: ServerEnd | undefined;
  const url = await rawServer(t, (handshake) => {
    server = new ServerEnd(handshake);
    server.write(handshake.accepted(...answer));
  });
  const log = new Log();
  const client = await connect<unknown>(url, {
    message: (_, data, kind) =>
      log.add(`${kind} ${typeof data === 'string' ? JSON.stringify(data) : Buffer.from(data).toString('hex')}`),
    ping: (_, data) => log.add(`ping ${Buffer.from(data).toString()}`),
    pong: (_, data) => log.add(`pong ${Buffer.from(data).toString()}`),
    error: (_, error) => log.add(`error ${error.code}`),
    close: (_, code, reason, wasClean) => log.add(`close ${code} ${JSON.stringify(reason)}${wasClean ? ' clean' : ''}`),
    ...options,
  });
  t.after(() => client.terminate());
  return { client, server: server!, log };
}

/** A handshake that failed, as both sides saw it. */
export interface Failed {
  readonly error: HandshakeError;
  readonly server: ServerEnd;
}

/** Our client, whose opening handshake is answered so that it fails. */
export async function meetAndFail(
  t: TestContext,
  answer: (handshake: RawHandshake) => string,
  options: ConnectOptions<unknown> = {},
): Promise<Failed> {
  let server: ServerEnd | undefined;
  const url = await rawServer(t, (handshake) => {
    server = new ServerEnd(handshake);
    server.write(answer(handshake));
  });
  const error = await failed(url, options);
  return { error, server: server! };
}

/** Sees to it that whatever one side did a while ago has arrived at the other: two round trips of another connection. */
export async function roundTrips(t: TestContext): Promise<void> {
  const { client, server, log } = await meet(t);
  for (let i = 1; i <= 2; i++) {
    client.ping('there');
    await server.next();
    server.send({ opcode: 10, payload: utf8('back') });
    await log.has('pong back', i);
  }
}
