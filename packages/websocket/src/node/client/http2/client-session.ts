import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants, sensitiveHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import type { HeaderLine } from '../../../handshake/header-input.ts';

/** What a session tells whoever keeps it. */
export interface SessionOwner {
  /** The server's SETTINGS are there: {@link ClientSession.whyNotOffered} says what of it. Comes once, at first. */
  onSettings(session: ClientSession): void;
  /** There is room for another stream. */
  onRoom(session: ClientSession): void;
  /** It takes no more streams; where SETTINGS never came, `cause` may say why. Comes once, at last. */
  onLeft(session: ClientSession, cause: Error | undefined): void;
}

/** What a stream may send before it is read, and all streams of a session together: both bound what is not yet read. */
const STREAM_WINDOW = 262_144;
const SESSION_WINDOW = 4_194_304;

/** Megabytes that Node lets a session hold. What each connection may queue is bounded by `maxQueuedBytes`. */
const SESSION_MEMORY = 1024;

/** Fields that no compression state may keep (RFC 7541 §7.1.3). */
const SENSITIVE: readonly string[] = ['authorization', 'cookie'];

/** The client's end of one HTTP/2 connection, and how many streams it has room for. */
export class ClientSession {
  readonly socket: Socket;
  /** It has carried a request to its answer: it is not new any more. */
  isProven = false;
  private readonly http2: ClientHttp2Session;
  private readonly owner: SessionOwner;
  private readonly idleTimeout: number;
  /** Streams that are open, or set aside for somebody. */
  private taken = 0;
  private isReady = false;
  private hasLeft = false;
  private lastStream = Infinity;
  /** What the server has shown to be its limit, below the one that it says. */
  private shownLimit = Infinity;
  private cause: Error | undefined;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param socket connected, and over TLS with HTTP/2 agreed on
   * @param authority `https://host:port`
   * @param idleTimeout milliseconds that it is kept without a stream
   */
  constructor(socket: Socket, authority: string, idleTimeout: number, owner: SessionOwner) {
    this.socket = socket;
    this.owner = owner;
    this.idleTimeout = idleTimeout;
    const http2 = connect(authority, {
      createConnection: () => socket,
      maxSessionMemory: SESSION_MEMORY,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
    });
    this.http2 = http2;
    http2.once('connect', () => {
      if (!http2.destroyed) http2.setLocalWindowSize(SESSION_WINDOW);
    });
    http2.on('remoteSettings', () => this.onSettings());
    http2.on('goaway', (_code: number, lastStream: number) => this.onGoaway(lastStream));
    http2.on('error', (error) => void (this.cause ??= error));
    http2.on('close', () => this.leave());
  }

  /** Why it is of no use; undefined where the server offers WebSocket over HTTP/2 (RFC 8441 §3), and any stream at all. */
  get whyNotOffered(): string | undefined {
    const { enableConnectProtocol, maxConcurrentStreams } = this.http2.remoteSettings;
    if (enableConnectProtocol !== true) return 'its SETTINGS have no ENABLE_CONNECT_PROTOCOL';
    return maxConcurrentStreams === 0 ? 'its SETTINGS have MAX_CONCURRENT_STREAMS 0' : undefined;
  }

  /** How many streams the server takes at the same time (RFC 9113 §5.1.2). */
  get limit(): number {
    return Math.min(this.http2.remoteSettings.maxConcurrentStreams ?? Infinity, this.shownLimit);
  }

  get hasRoom(): boolean {
    return this.isReady && !this.hasLeft && this.taken < this.limit;
  }

  get isUsable(): boolean {
    return !this.hasLeft && !this.http2.closed && !this.http2.destroyed;
  }

  private onSettings(): void {
    if (this.hasLeft) return;
    if (!this.isReady) {
      this.isReady = true;
      this.owner.onSettings(this);
      this.idleIfUnused();
    } else if (this.hasRoom) this.owner.onRoom(this);
  }

  private onGoaway(lastStream: number): void {
    this.lastStream = lastStream;
    this.leave();
  }

  /** Sets a stream aside. */
  reserve(): void {
    this.taken++;
    if (this.taken > 1) return;
    clearTimeout(this.timer);
    if (!this.http2.destroyed) this.http2.ref();
  }

  /** A stream that was set aside is over, or is not needed. */
  release(): void {
    this.taken--;
    this.idleIfUnused();
    if (this.hasRoom) this.owner.onRoom(this);
  }

  /** An idle session keeps no process alive, and not itself for long. */
  private idleIfUnused(): void {
    if (this.taken > 0 || this.http2.destroyed) return;
    if (this.hasLeft) return this.http2.close();
    this.http2.unref();
    this.timer = setTimeout(() => this.retire(), this.idleTimeout).unref();
  }

  /** Opens the stream that was set aside. @throws where Node does not take the fields */
  request(fields: readonly HeaderLine[]): ClientHttp2Stream {
    const headers = Object.create(null) as Record<string, string | string[]>;
    for (const [name, value] of fields) {
      const before = headers[name];
      headers[name] = before === undefined ? value : [before, value].flat();
    }
    return this.http2.request({ ...headers, [sensitiveHeaders]: SENSITIVE as string[] }, { endStream: false });
  }

  /** Whether the server cannot have done anything about a stream that ended so (RFC 9113 §8.7). */
  isUnprocessed(stream: ClientHttp2Stream): boolean {
    return stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || (stream.id ?? Infinity) > this.lastStream;
  }

  /** The server takes no more streams than it has, whatever it says; with none, it is of no use. */
  noteRefused(): void {
    this.shownLimit = this.taken - 1;
    if (this.shownLimit < 1) this.retire();
  }

  /** No more streams; those that are open go on to their ends. */
  retire(): void {
    this.leave();
    if (this.taken === 0 && !this.http2.destroyed) this.http2.close();
  }

  private leave(): void {
    if (this.hasLeft) return;
    this.hasLeft = true;
    clearTimeout(this.timer);
    this.owner.onLeft(this, this.cause);
  }

  destroy(): void {
    this.leave();
    this.http2.destroy();
  }
}
