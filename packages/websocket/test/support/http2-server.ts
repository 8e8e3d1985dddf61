import { once } from 'node:events';
import http2, { type ServerHttp2Session, type ServerHttp2Stream, type Settings } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { acceptValue } from '#dist/handshake/key.js';
import { nodePlatform } from '#dist/node/platform.js';
import { AUTHORITY, CERTIFICATES } from './bad-certificates.ts';
import { fromServer, transform, utf8 } from './frames.ts';

/** A request on a stream, as a scripted server reads it. */
export interface StreamRequest {
  /** The value of a field; several lines of it are joined. */
  field(name: string): string | undefined;
  /** Names and values in turn, as they came. */
  readonly raw: readonly string[];
  readonly stream: ServerHttp2Stream;
  /** Which of the server's sessions it came on, from 0. */
  readonly session: number;
  /** Which of the server's requests it is, from 0. */
  readonly index: number;
}

/** Does something about a request. */
export type StreamScript = (request: StreamRequest) => unknown;

export interface Http2ServerOptions {
  /** Cleartext, with prior knowledge. Default: TLS. */
  readonly isClear?: boolean;
  readonly settings?: Settings;
  /** Takes HTTP/1.1 on the same port, too, and opens a WebSocket for each request. Default false. */
  readonly allowHTTP1?: boolean;
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface ScriptedHttp2Server {
  readonly port: number;
  /** `wss://localhost:port`, or `ws://127.0.0.1:port` */
  readonly url: string;
  readonly requests: StreamRequest[];
  readonly sessions: ServerHttp2Session[];
  /** The network connections that there have been. */
  readonly sockets: Socket[];
  /** How many requests of HTTP/1.1 there have been. */
  readonly upgrades: () => number;
}

/** What a client has to trust. */
export const TRUST = { ca: AUTHORITY };

/** A server of HTTP/2 that does with each stream what a script says. */
export async function http2Server(
  t: TestContext,
  script: StreamScript,
  options: Http2ServerOptions = {},
): Promise<ScriptedHttp2Server> {
  const { isClear = false, allowHTTP1 = false, tls = CERTIFICATES.good } = options;
  const settings = { enableConnectProtocol: true, ...options.settings };
  const server = isClear
    ? http2.createServer({ settings })
    : http2.createSecureServer({ ...tls, allowHTTP1, settings });
  const requests: StreamRequest[] = [];
  const sessions: ServerHttp2Session[] = [];
  const sockets: Socket[] = [];
  let upgrades = 0;
  server.on('connection', (socket: Socket) => sockets.push(socket.on('error', () => {})));
  server.on('session', (session: ServerHttp2Session) => sessions.push(session.on('error', () => {})));
  server.on('sessionError', () => {});
  server.on('stream', (stream: ServerHttp2Stream, _headers: object, _flags: number, raw: readonly string[]) => {
    stream.on('error', () => {});
    const request: StreamRequest = {
      field: (name) => fieldOf(raw, name),
      raw,
      stream,
      session: sessions.indexOf(stream.session as ServerHttp2Session),
      index: requests.length,
    };
    requests.push(request);
    script(request);
  });
  server.on('upgrade', (request: { headers: Record<string, string> }, socket: Socket) => {
    upgrades++;
    socket.on('error', () => {});
    const value = acceptValue(nodePlatform, request.headers['sec-websocket-key'] ?? '');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${value}\r\n\r\n`,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: isClear ? `ws://127.0.0.1:${port}` : `wss://localhost:${port}`,
    requests,
    sessions,
    sockets,
    upgrades: () => upgrades,
  };
}

function fieldOf(raw: readonly string[], name: string): string | undefined {
  const values = raw.filter((_, at) => at % 2 === 1 && raw[at - 1] === name);
  return values.length === 0 ? undefined : values.join(', ');
}

/** Opens the WebSocket. */
export function acceptStream(stream: ServerHttp2Stream, fields: Record<string, string> = {}): void {
  stream.respond({ ':status': 200, ...fields });
}

/** Opens the WebSocket, and sends back each short text that comes; answers a close frame, and ends. */
export function echoStream({ stream }: Pick<StreamRequest, 'stream'>, fields: Record<string, string> = {}): void {
  acceptStream(stream, fields);
  stream.on('data', (chunk: Buffer) => {
    for (const { opcode, payload } of shortFrames(chunk)) {
      stream.write(fromServer({ opcode: opcode === 8 ? 8 : 1, payload }));
      if (opcode === 8) stream.end();
    }
  });
}

/** The frames of a chunk that has whole ones only, none of them longer than 125 bytes. */
export function shortFrames(chunk: Uint8Array): { readonly opcode: number; readonly payload: Uint8Array }[] {
  const frames: { opcode: number; payload: Uint8Array }[] = [];
  for (let at = 0; at < chunk.length; ) {
    const length = chunk[at + 1]! & 0x7f;
    const key = chunk.subarray(at + 2, at + 6);
    frames.push({ opcode: chunk[at]! & 0x0f, payload: transform(chunk.subarray(at + 6, at + 6 + length), key) });
    at += 6 + length;
  }
  return frames;
}

/** Another answer. */
export function answerStream(
  stream: ServerHttp2Stream,
  status: number,
  fields: Record<string, string | readonly string[]> = {},
  body = '',
): void {
  stream.respond({ ':status': status, ...(fields as Record<string, string>) });
  stream.end(body);
}

/** A text message, from the server. */
export function textFrame(text: string): Uint8Array {
  return fromServer({ opcode: 1, payload: utf8(text) });
}
