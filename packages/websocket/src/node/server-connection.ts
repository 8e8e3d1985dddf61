import type { ByteStream } from '../connection/byte-stream.ts';
import type { Connection } from '../connection/connection.ts';
import { ConnectionCore } from '../connection/connection-core.ts';
import type { Agreement, ConnectionShared } from '../connection/shared.ts';
import type { PathParameters } from '../handshake/path-template.ts';
import type { HttpVersion } from './http-version.ts';

/** What the handshake said, as far as the connection keeps it. */
export interface Peer {
  /** The path of the request, percent-encoded as received, without query. */
  readonly path: string;
  /** The query of the request, without question mark; undefined where there is none. */
  readonly query: string | undefined;
  /** What the variables of the URI template stand for, decoded. */
  readonly parameters: PathParameters;
  /** The peer's IP address; undefined on a Unix socket. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /** The connection came over TLS. */
  readonly secure: boolean;
  /** The version of HTTP that the WebSocket opened with. */
  readonly httpVersion: HttpVersion;
}

/** A connection of a {@link WebSocketServer}, with what the handshake said of it. */
export interface ServerConnection<Context = unknown> extends Connection<Context>, Peer {}

export class ServerConnectionCore<Context> extends ConnectionCore<Context> implements ServerConnection<Context> {
  readonly path: string;
  readonly query: string | undefined;
  readonly parameters: PathParameters;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly secure: boolean;
  readonly httpVersion: HttpVersion;

  constructor(shared: ConnectionShared<never>, stream: ByteStream, agreement: Agreement, context: Context, peer: Peer) {
    super(shared, stream, agreement, context);
    this.path = peer.path;
    this.query = peer.query;
    this.parameters = peer.parameters;
    this.remoteAddress = peer.remoteAddress;
    this.remotePort = peer.remotePort;
    this.secure = peer.secure;
    this.httpVersion = peer.httpVersion;
  }
}
