import { constants, type Http2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { TlsSocketStream } from './socket-stream.ts';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;

const ERROR_NAMES: ReadonlyMap<number, string> = new Map([
  [constants.NGHTTP2_PROTOCOL_ERROR, 'PROTOCOL_ERROR'],
  [constants.NGHTTP2_INTERNAL_ERROR, 'INTERNAL_ERROR'],
  [constants.NGHTTP2_FLOW_CONTROL_ERROR, 'FLOW_CONTROL_ERROR'],
  [constants.NGHTTP2_SETTINGS_TIMEOUT, 'SETTINGS_TIMEOUT'],
  [constants.NGHTTP2_STREAM_CLOSED, 'STREAM_CLOSED'],
  [constants.NGHTTP2_FRAME_SIZE_ERROR, 'FRAME_SIZE_ERROR'],
  [constants.NGHTTP2_REFUSED_STREAM, 'REFUSED_STREAM'],
  [NGHTTP2_CANCEL, 'CANCEL'],
  [constants.NGHTTP2_COMPRESSION_ERROR, 'COMPRESSION_ERROR'],
  [constants.NGHTTP2_CONNECT_ERROR, 'CONNECT_ERROR'],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, 'ENHANCE_YOUR_CALM'],
  [constants.NGHTTP2_INADEQUATE_SECURITY, 'INADEQUATE_SECURITY'],
  [constants.NGHTTP2_HTTP_1_1_REQUIRED, 'HTTP_1_1_REQUIRED'],
]);

/** The name of an HTTP/2 error code (RFC 9113 §7). */
export function http2ErrorName(code: number): string {
  return ERROR_NAMES.get(code) ?? `0x${code.toString(16)}`;
}

/**
 * Bytes over a stream of HTTP/2 whose CONNECT was accepted, in either role (RFC 8441 §5). The end of the one is the end
 * of the other: END_STREAM stands for FIN, and RST_STREAM with CANCEL for RST (§5). Node gives the peer a window for the
 * stream only for what was read, so that `pause` holds up this stream and no other of the session.
 */
export class Http2ByteStream extends TlsSocketStream {
  protected readonly http2: Http2Stream;
  private isEnding = false;
  private isDestroyed = false;

  constructor(stream: Http2Stream) {
    // To its users a stream of HTTP/2 is a Duplex as a socket is, and it keeps what it is given as a TLS socket does.
    super(stream as unknown as Socket);
    this.http2 = stream;
  }

  get mayClientEnd(): boolean {
    return true;
  }

  override end(): void {
    this.isEnding = true;
    super.end();
  }

  override destroy(cause?: Error): void {
    if (cause !== undefined) this.reportError(cause);
    this.isDestroyed = true;
    resetStream(this.http2);
  }

  override reportEnd(): void {
    const { http2 } = this;
    // A stream that is cut off tells its end as well.
    if (http2.destroyed) return;
    const isReset = http2.closed && !this.isEnding;
    super.reportEnd();
    // With NO_ERROR, as a server does that has said everything (RFC 9113 §8.1). Node would wait for ever for our own end.
    if (isReset && !this.isPaused) setImmediate(() => http2.destroy());
  }

  override reportError(error: Error): void {
    // Not what Node makes of our own reset.
    if (!this.isDestroyed) super.reportError(error);
  }

  override reportClose(): void {
    const { rstCode } = this.http2;
    if (rstCode !== NGHTTP2_NO_ERROR && rstCode !== undefined) this.reportError(new Http2ResetError(rstCode));
    super.reportClose();
  }
}

/** The same for a server. */
export class ServerHttp2ByteStream extends Http2ByteStream {
  /**
   * RST_STREAM with NO_ERROR asks for no more (RFC 9113 §8.1), as closing a TCP connection does: browsers that have seen
   * the closing handshake and END_STREAM send none of their own.
   */
  finish(): void {
    const { http2 } = this;
    this.end();
    http2.once('finish', () => {
      if (!http2.readableEnded && !http2.closed) http2.close(NGHTTP2_NO_ERROR);
    });
  }
}

const ABORTED = AbortSignal.abort();

/**
 * Sends RST_STREAM with CANCEL, and nothing else: `close` would send END_STREAM before it, `destroy` another code. The
 * stream tells an AbortError.
 */
export function resetStream(stream: Http2Stream): void {
  if (stream.destroyed) return;
  resetHere.add(stream);
  addAbortSignal(ABORTED, stream);
}

const resetHere = new WeakSet<Http2Stream>();

/** Whether it was {@link resetStream} that ended a stream. */
export function wasResetHere(stream: Http2Stream): boolean {
  return resetHere.has(stream);
}

/** The peer, or the end of its session, reset a stream. */
class Http2ResetError extends Error {
  override readonly name = 'Http2ResetError';
  /** As for a TCP connection that is reset. */
  readonly code = 'ECONNRESET';
  /** The error code of HTTP/2 (RFC 9113 §7). */
  readonly http2Code: number;

  constructor(http2Code: number) {
    super(`the HTTP/2 stream was reset with ${http2ErrorName(http2Code)}`);
    this.http2Code = http2Code;
  }
}
