import type { IncomingMessage } from 'node:http';
import {
  Http2ServerRequest,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { ByteStream } from '../connection/byte-stream.ts';
import { connectAcceptLines, readExtendedConnect } from '../handshake/extended-connect.ts';
import type { HeaderLimits } from '../handshake/header-fields.ts';
import type { HeaderLine } from '../handshake/header-input.ts';
import { encodeHttp2Refusal, type Refusal } from '../handshake/refusal.ts';
import type { AcceptOptions, OpeningHandshake } from '../handshake/server-handshake.ts';
import type { HandshakeExchange } from './exchange.ts';
import { resetStream, ServerHttp2ByteStream } from './http2-stream.ts';
import { isSecure, LINGER_MS } from './opening.ts';
import { nodePlatform } from './platform.ts';

const NOTHING = Buffer.alloc(0);

/** An extended CONNECT of HTTP/2 (RFC 8441). */
export class ConnectExchange implements HandshakeExchange {
  readonly httpVersion = '2';
  readonly method = 'CONNECT';
  readonly head: Buffer = NOTHING;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly secure: boolean;
  readonly network: Socket | undefined;
  private readonly stream: ServerHttp2Stream;
  private readonly headers: IncomingHttpHeaders;
  private readonly rawHeaders: readonly string[];
  private made: IncomingMessage | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]) {
    this.stream = stream;
    this.headers = headers;
    this.rawHeaders = rawHeaders;
    // The stream forgets its session when it ends.
    const socket = stream.session?.socket;
    this.network = socket;
    this.remoteAddress = socket?.remoteAddress;
    this.remotePort = socket?.remotePort;
    this.secure = socket !== undefined && isSecure(socket);
    // It stays: a reset finds it whoever has the stream.
    stream.on('error', ignore);
  }

  get url(): string | undefined {
    return this.headers[':path'] as string | undefined;
  }

  get isGone(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  /** As Node's own compatibility layer would have it: made for those who ask. */
  get request(): IncomingMessage {
    this.made ??= new Http2ServerRequest(this.stream, this.headers, {}, [
      ...this.rawHeaders,
    ]) as unknown as IncomingMessage;
    return this.made;
  }

  read(limits: HeaderLimits): OpeningHandshake | Refusal {
    return readExtendedConnect(this.rawHeaders, limits);
  }

  beginWaiting(): void {}

  endWaiting(): void {}

  prepare(handshake: OpeningHandshake, options: AcceptOptions): OutgoingHttpHeaders {
    return toHttp2Headers(200, connectAcceptLines(handshake, options));
  }

  accept(answer: OutgoingHttpHeaders): ByteStream {
    const { stream } = this;
    if (!this.isGone) stream.respond(answer);
    return new ServerHttp2ByteStream(stream);
  }

  refuse(refusal: Refusal): number {
    return refuseStream(this.stream, refusal);
  }
}

/**
 * Answers with a refusal, and ends the stream; the session goes on.
 * @returns the status of the answer
 */
export function refuseStream(stream: ServerHttp2Stream, refusal: Refusal): number {
  const { status, lines, body } = encodeHttp2Refusal(nodePlatform, refusal);
  if (stream.destroyed || stream.closed) return status;
  stream.on('error', ignore);
  stream.respond(toHttp2Headers(status, lines));
  // What the client still sends nobody reads: Node asks it to stop once everything is said (RFC 9113 §8.1).
  stream.end(body);
  const timer = setTimeout(() => resetStream(stream), LINGER_MS);
  stream.once('close', () => clearTimeout(timer));
  return status;
}

/** Several lines of a field are one list (RFC 9110 §5.3), except for those whose elements may hold commas. */
function toHttp2Headers(status: number, lines: readonly HeaderLine[]): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ':status': status };
  for (const [name, value] of lines) {
    const lower = name.toLowerCase();
    const before = headers[lower];
    if (before === undefined) headers[lower] = value;
    else if (lower === 'set-cookie') headers[lower] = [before as string | string[], value].flat();
    else headers[lower] = `${String(before)}, ${value}`;
  }
  return headers;
}

function ignore(): void {}
