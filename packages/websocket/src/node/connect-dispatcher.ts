import type { Server } from 'node:http';
import type {
  Http2SecureServer,
  Http2Server,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2';
import { connectProtocol, isWebSocketProtocol } from '../handshake/extended-connect.ts';
import type { PathMatch, PathParameters } from '../handshake/path-template.ts';
import { Refusal } from '../handshake/refusal.ts';
import { ConnectExchange, refuseStream } from './connect-exchange.ts';
import type { HandshakeExchange } from './exchange.ts';

/** Any HTTP server of Node. */
export type HostServer = Server | Http2Server | Http2SecureServer;

/** Whoever opens the WebSockets of one path. */
export interface HandshakeTarget {
  /** Whether its WebSockets may come over HTTP/2. */
  readonly takesHttp2: boolean;
  /** Whether it takes handshakes that `node:http` has not read. */
  readonly takesHeads: boolean;
  openHandshake(exchange: HandshakeExchange, parameters: PathParameters): void;
}

type StreamListener = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: string[],
) => void;

/** Whether a server speaks HTTP/2, alone or beside HTTP/1.1. */
export function isHttp2Server(server: HostServer): server is Http2Server | Http2SecureServer {
  return typeof (server as Partial<Http2Server>).updateSettings === 'function';
}

/**
 * Takes the extended CONNECTs of a server's sessions before its own listeners see them: to `request` and `stream` they
 * would look like requests, and every one of them be answered twice. Each session's listeners are called by ours, so
 * that everything else comes to them as ever.
 */
export class ConnectDispatcher {
  private readonly server: Http2Server | Http2SecureServer;
  private readonly match: (path: string | undefined) => PathMatch<HandshakeTarget> | undefined;
  private readonly onSession = (session: ServerHttp2Session): void => this.takeOver(session);

  constructor(
    server: Http2Server | Http2SecureServer,
    match: (path: string | undefined) => PathMatch<HandshakeTarget> | undefined,
  ) {
    this.server = server;
    this.match = match;
  }

  /** For sessions that begin from now on, which are told whether WebSockets may be opened (RFC 8441 §3). */
  start(): void {
    // First, so that whoever watches the streams of a session sees ours as well.
    this.server.prependListener('session', this.onSession);
  }

  stop(): void {
    this.server.off('session', this.onSession);
    this.announce(false);
  }

  /** SETTINGS_ENABLE_CONNECT_PROTOCOL: a promise for every path of the origin. */
  announce(enableConnectProtocol: boolean): void {
    this.server.updateSettings({ enableConnectProtocol });
  }

  private takeOver(session: ServerHttp2Session): void {
    const others = session.listeners('stream') as StreamListener[];
    session.removeAllListeners('stream');
    const onStream: StreamListener = (stream, headers, flags, rawHeaders) => {
      const protocol = connectProtocol(rawHeaders);
      if (protocol !== undefined && this.take(protocol, stream, headers, rawHeaders)) return;
      for (const other of others) other.call(session, stream, headers, flags, rawHeaders);
    };
    session.on('stream', onStream);
  }

  /** @returns false where it may be for somebody else */
  private take(
    protocol: string,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
  ): boolean {
    const found = isWebSocketProtocol(protocol) ? this.match(headers[':path']) : undefined;
    if (found?.value.takesHttp2) {
      found.value.openHandshake(new ConnectExchange(stream, headers, rawHeaders), found.parameters);
      return true;
    }
    // Somebody else listens for CONNECT: what is not ours may be theirs.
    if (this.server.listenerCount('connect') > 0) return false;
    const code = isWebSocketProtocol(protocol) ? 'PB_HANDSHAKE_NO_SUCH_PATH' : 'PB_HANDSHAKE_PROTOCOL_UNKNOWN';
    refuseStream(stream, Refusal.of(code));
    return true;
  }
}
