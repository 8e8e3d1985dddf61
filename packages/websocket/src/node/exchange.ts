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
  readHeadHandshake,
} from '../handshake/server-handshake.ts';
import type { UpgradeHead } from '../handshake/upgrade-head.ts';
import { stopFlowing } from './beginnings.ts';
import type { HttpVersion } from './http-version.ts';
import { makeRequest } from './made-request.ts';
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
  readonly method: string;
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

/** A handshake of HTTP/1.1, and the socket that it came by. */
abstract class SocketExchange implements HandshakeExchange {
  readonly httpVersion = '1.1';
  readonly socket: Socket;
  readonly head: Buffer;
  readonly remoteAddress: string | undefined;

  /** @param network the socket, where `socket` is something that stands in for it */
  constructor(socket: Socket, head: Buffer, network: Socket) {
    this.socket = socket;
    this.head = head;
    this.remoteAddress = network.remoteAddress;
  }

  abstract readonly method: string;
  abstract readonly url: string | undefined;
  abstract readonly network: Socket;
  abstract readonly request: IncomingMessage;
  abstract read(limits: HeaderLimits): Handshake | Refusal;

  get remotePort(): number | undefined {
    return this.socket.remotePort;
  }

  get secure(): boolean {
    return isSecure(this.socket);
  }

  get isGone(): boolean {
    return this.socket.destroyed;
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
    refuse(this.socket, refusal, this.method);
    return refusal.status;
  }
}

/** An Upgrade, as `node:http` hands it over. */
export class UpgradeExchange extends SocketExchange {
  readonly request: IncomingMessage;

  constructor(request: IncomingMessage, socket: Socket, head: Buffer) {
    // Not `socket`: while a body arrives, Node 26 has something there that is no socket.
    super(socket, head, request.socket);
    this.request = request;
  }

  get network(): Socket {
    return this.request.socket;
  }

  get method(): string {
    return this.request.method ?? '';
  }

  get url(): string | undefined {
    return this.request.url;
  }

  read(limits: HeaderLimits): Handshake | Refusal {
    return readHandshake(this.request, limits);
  }
}

/** One whose head was read here. Its socket flows. */
export class HeadExchange extends SocketExchange {
  readonly method = 'GET';
  private readonly asked: UpgradeHead;
  private made: IncomingMessage | undefined;

  constructor(asked: UpgradeHead, socket: Socket, head: Buffer) {
    super(socket, head, socket);
    this.asked = asked;
  }

  get network(): Socket {
    return this.socket;
  }

  get url(): string {
    return this.asked.url;
  }

  /** As `node:http` would have it: made for those who ask. */
  get request(): IncomingMessage {
    return (this.made ??= makeRequest(this.asked, this.socket));
  }

  read(limits: HeaderLimits): Handshake | Refusal {
    return readHeadHandshake(this.asked, limits);
  }

  /** What comes meanwhile is for the connection, if there will be one. */
  override beginWaiting(): void {
    super.beginWaiting();
    stopFlowing(this.socket);
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
