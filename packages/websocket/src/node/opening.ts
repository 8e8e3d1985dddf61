import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { HeadersInput } from '../handshake/header-input.ts';
import type { HeaderFields } from '../handshake/header-fields.ts';
import type { PathParameters } from '../handshake/path-template.ts';
import { encodeRefusal, Refusal } from '../handshake/refusal.ts';
import type { OpeningHandshake } from '../handshake/server-handshake.ts';
import type { HandshakeTrace } from '../handshake/trace.ts';
import type { HandshakeExchange } from './exchange.ts';
import type { HttpVersion } from './http-version.ts';
import { nodePlatform } from './platform.ts';
import type { RequestSource } from './trusted-proxies.ts';

/** A client's opening handshake, as the application decides on it. */
export interface OpeningRequest {
  /** The path of the request, percent-encoded as received, without query. */
  readonly path: string;
  /** The query without question mark; undefined where there is none. */
  readonly query: string | undefined;
  /** What the variables of the URI template stand for, decoded. */
  readonly parameters: PathParameters;
  /** The host that the client means to talk to, as trusted proxies have it. */
  readonly host: string;
  /** The value of Origin; it has passed the policy. */
  readonly origin: string | undefined;
  /** All header fields, by name and without regard to case. */
  readonly headers: HeaderFields;
  /** The subprotocols that the client offers, what it prefers first. */
  readonly subprotocols: readonly string[];
  /** Of the client, as far as trusted proxies say, else of whoever connected; undefined on a Unix socket. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /** The client came over TLS. */
  readonly secure: boolean;
  /** The version of HTTP that the WebSocket opens with. */
  readonly httpVersion: HttpVersion;
  /** The request as Node's HTTP server has it, or would have; over HTTP/2 an `Http2ServerRequest`. */
  readonly request: IncomingMessage;
}

/** What `authorize` may say of a connection that it lets in. */
export interface Acceptance<Context> {
  readonly context?: Context;
  /** One of those that the client offers. Default: by the `subprotocols` of the server. */
  readonly subprotocol?: string;
  /** Further headers of the 101, such as `Set-Cookie`. */
  readonly headers?: HeadersInput;
}

/** What `authorize` returns: nothing, or an {@link Acceptance}, lets the client in. */
export type Authorization<Context> = Refusal | Acceptance<Context> | undefined | void;

/** A handshake that was refused, for the log. */
export interface RefusedEvent {
  readonly status: number;
  /** Stable, such as `PB_HANDSHAKE_ORIGIN_FORBIDDEN`, or the application's own. */
  readonly code: string;
  /** Why, with the values that decided, and what would allow it. Not sent to the client. */
  readonly reason: string;
  /** The path as received; empty where the request has none. */
  readonly path: string;
  readonly remoteAddress: string | undefined;
  /** The version of HTTP that it came with. */
  readonly httpVersion: HttpVersion;
  /** What `authorize` threw. */
  readonly error?: unknown;
}

/** A handshake that was decided on: for a log that has a line for each. */
export interface HandshakeEvent {
  /** Of the answer: 101, over HTTP/2 200, where it was accepted. */
  readonly status: number;
  /** Why it was refused, as {@link RefusedEvent} has it; undefined where it was not. */
  readonly code: string | undefined;
  readonly method: string;
  /** Path and query, as received. There may be secrets in it: see {@link maskQuery}. */
  readonly url: string;
  readonly httpVersion: HttpVersion;
  /** Of the client, as far as trusted proxies say. */
  readonly remoteAddress: string | undefined;
  /** Of whoever connected: of a trusted proxy, where `isProxied`. Undefined on a Unix socket. */
  readonly peerAddress: string | undefined;
  readonly isProxied: boolean;
  /** As received. */
  readonly origin: string | undefined;
  /** What was agreed on; empty where nothing was. */
  readonly subprotocol: string;
  readonly extensions: string;
  /** Milliseconds from the request to the answer. */
  readonly ms: number;
}

/** The request as the application decides on it. Its `request` may have to be made, so that is only done where asked for. */
export class Opening implements OpeningRequest {
  readonly path: string;
  readonly parameters: PathParameters;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly secure: boolean;
  readonly httpVersion: HttpVersion;
  readonly handshake: OpeningHandshake;
  readonly exchange: HandshakeExchange;
  /** The steps of the decision, where the client may see them. */
  trace: HandshakeTrace | undefined = undefined;
  readonly host: string;
  /** By which the client certainly came; undefined where a proxy may have ended TLS. */
  readonly scheme: 'http' | 'https' | undefined;
  /** It came by a trusted proxy. */
  readonly isProxied: boolean;

  /** When the request came, by `performance.now()`, where somebody wants to be told how long it took. */
  readonly begun: number;

  /** @param source what trusted proxies say of the client; undefined where nobody is trusted */
  constructor(
    handshake: OpeningHandshake,
    exchange: HandshakeExchange,
    path: string,
    parameters: PathParameters,
    source: RequestSource | undefined,
    begun: number,
  ) {
    this.begun = begun;
    const client = source ?? exchange;
    this.path = path;
    this.parameters = parameters;
    this.remoteAddress = client.remoteAddress;
    this.remotePort = client.remotePort;
    this.scheme = source?.scheme ?? (exchange.secure ? 'https' : undefined);
    this.secure = this.scheme === 'https';
    this.host = source?.host ?? handshake.host;
    this.isProxied = source?.isProxied === true;
    this.httpVersion = exchange.httpVersion;
    this.handshake = handshake;
    this.exchange = exchange;
  }

  get query(): string | undefined {
    return this.handshake.query;
  }

  get origin(): string | undefined {
    return this.handshake.origin;
  }

  get headers(): HeaderFields {
    return this.handshake.fields;
  }

  get subprotocols(): readonly string[] {
    return this.handshake.subprotocols;
  }

  get request(): IncomingMessage {
    return this.exchange.request;
  }
}

export function isSecure(socket: Socket): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true;
}

/** A refused client may take its time to read the answer; then the connection is cut. */
export const LINGER_MS = 2000;

/**
 * Answers with a refusal and closes. What the client may have sent after its handshake is never read as HTTP
 * (request smuggling); it is thrown away, because closing with unread bytes would reset the connection and could take
 * the answer with it.
 */
export function refuse(socket: Socket, refusal: Refusal, method: string | undefined): void {
  if (socket.destroyed) return;
  const { head, body } = encodeRefusal(nodePlatform, refusal, { method, date: new Date().toUTCString() });
  socket.on('error', () => {});
  socket.end(Buffer.concat([Buffer.from(head, 'latin1'), body]));
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.once('end', () => {
    // Not by `destroySoon`: while a body arrives, Node 26 has something here that is no socket.
    if (socket.writableFinished) socket.destroy();
    else socket.once('finish', () => socket.destroy());
  });
}
