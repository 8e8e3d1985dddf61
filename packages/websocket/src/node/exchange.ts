import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { acquireBatch, MAX_BATCH, releaseBatch } from '../connection/batch-pool.ts';
import { type ByteStream, CONSUMED } from '../connection/byte-stream.ts';
import type { HeaderLimits } from '../handshake/header-fields.ts';
import type { Refusal } from '../handshake/refusal.ts';
import {
  type AcceptOptions,
  encodeAccept,
  type Handshake,
  type OpeningHandshake,
  readHandshake,
} from '../handshake/server-handshake.ts';
import type { HttpVersion } from './http-version.ts';
import { isSecure, refuse } from './opening.ts';
import { nodePlatform } from './platform.ts';
import { streamOver } from './shared-read-buffer.ts';

/** A handshake and the way of its answer, over one version of HTTP. */
export interface HandshakeExchange {
  readonly httpVersion: HttpVersion;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly secure: boolean;
  /** The network connection that it came by; undefined once that is gone. */
  readonly network: Socket | undefined;
  /** The request target, as received. */
  readonly url: string | undefined;
  /** The request as Node's HTTP server has it, or makes it up. */
  readonly request: IncomingMessage;
  /** Bytes that came behind the handshake. */
  readonly head: Buffer;
  /** The client has gone. */
  readonly isGone: boolean;
  read(limits: HeaderLimits): OpeningHandshake | Refusal;
  /** While the application decides the client may go away: that is no fault of anybody's. */
  beginWaiting(): void;
  endWaiting(): void;
  /** What the acceptance would say. @throws {HandshakeUsageError} */
  prepare(handshake: OpeningHandshake, options: AcceptOptions): unknown;
  /** Says it. @param answer as {@link prepare} gave it */
  accept(answer: unknown): ByteStream;
  /** @returns the status of the answer */
  refuse(refusal: Refusal): number;
}

/** An Upgrade of HTTP/1.1. */
export class UpgradeExchange implements HandshakeExchange {
  readonly httpVersion = '1.1';
  readonly request: IncomingMessage;
  readonly head: Buffer;
  readonly remoteAddress: string | undefined;
  readonly socket: Socket;

  constructor(request: IncomingMessage, socket: Socket, head: Buffer) {
    this.request = request;
    this.socket = socket;
    this.head = head;
    // Not that of `socket`: while a body arrives, Node 26 has something there that is no socket.
    this.remoteAddress = request.socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.socket.remotePort;
  }

  get network(): Socket {
    return this.request.socket;
  }

  get secure(): boolean {
    return isSecure(this.socket);
  }

  get url(): string | undefined {
    return this.request.url;
  }

  get isGone(): boolean {
    return this.socket.destroyed;
  }

  read(limits: HeaderLimits): Handshake | Refusal {
    return readHandshake(this.request, limits);
  }

  beginWaiting(): void {
    this.socket.on('error', ignore);
  }

  endWaiting(): void {
    this.socket.off('error', ignore);
  }

  prepare(handshake: OpeningHandshake, options: AcceptOptions): string {
    return encodeAccept(nodePlatform, handshake as Handshake, options);
  }

  accept(answer: string): ByteStream {
    const stream = streamOver(this.socket);
    writeHead(stream, answer);
    return stream;
  }

  refuse(refusal: Refusal): number {
    refuse(this.socket, refusal, this.request.method);
    return refusal.status;
  }
}

/** By the stream, which has quicker ways than the socket; in a batch, as all that follows. */
function writeHead(stream: ByteStream, head: string): void {
  const { length } = head;
  if (length > MAX_BATCH) {
    stream.write(Buffer.from(head, 'latin1'), 0, length);
    return;
  }
  const batch = acquireBatch(length);
  Buffer.prototype.write.call(batch, head, 0, length, 'latin1');
  if (stream.write(batch, 0, length) === CONSUMED) releaseBatch(batch);
}

function ignore(): void {}
