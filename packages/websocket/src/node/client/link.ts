import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ByteStream } from '../../connection/byte-stream.ts';
import type { HeaderLimits } from '../../handshake/header-fields.ts';
import { streamOver } from '../shared-read-buffer.ts';
import { SocketStream, TlsSocketStream } from '../socket-stream.ts';
import { connectFailureCode } from './connect-failures.ts';
import { type ClientSocketOptions, type ClientTlsOptions, dial, dialOver, type Dialled, type Place } from './dial.ts';
import { type Asked, type Exchange, type OnHead, UNANSWERED } from './exchange.ts';
import { HttpStream } from './http-stream.ts';
import { OpeningFailure } from './opening-failure.ts';

const NOTHING = new Uint8Array(0);

/** How a network connection is made. */
export interface LinkOptions {
  readonly socket: ClientSocketOptions;
  readonly tls: ClientTlsOptions;
  readonly limits: HeaderLimits;
}

/**
 * Takes a connection on which HTTP/2 is spoken, in the very moment in which that is known: its first bytes may be there.
 * Where there is such a function, HTTP/2 is offered by ALPN; without TLS it is what is spoken (RFC 9113 §3.3).
 */
export type OnHttp2 = ((socket: Socket) => void) | undefined;

/** A network connection to a server, direct or through a proxy, and the requests of HTTP/1.1 on it. */
export class Link implements Exchange {
  readonly httpVersion = '1.1';
  socket: Socket;
  /** There is, or will be, a connection: it has not ended. */
  isAlive = true;
  /** Resolves when it can be written to; rejects with an {@link OpeningFailure}. */
  ready: Promise<void>;
  /** Whoever speaks HTTP/2 has it. */
  isTaken = false;
  private readonly limits: HeaderLimits;
  /** Null until it is known what is spoken. */
  private carrier: { readonly stream: SocketStream; http: HttpStream } | null = null;
  /** How many requests it has carried to whom it leads to now. */
  private requests = 0;
  private early: Uint8Array = NOTHING;
  private giveUp: ((failure: unknown) => void) | null = null;

  private constructor(dialled: Dialled, secure: boolean, limits: HeaderLimits, onHttp2: OnHttp2) {
    this.limits = limits;
    this.socket = dialled.socket;
    this.ready = this.whenReady(dialled, secure, onHttp2);
  }

  /** @throws UsageError as {@link dial} */
  static toServer(place: Place, { socket, tls, limits }: LinkOptions, onHttp2: OnHttp2): Link {
    const link = new Link(dial(place, socket, tls, onHttp2 !== undefined), place.secure, limits, onHttp2);
    if (onHttp2 === undefined) link.carry(streamOver(link.socket));
    return link;
  }

  /**
   * @param isKept the sockets are kept as they are, for something else to go over them
   * @throws UsageError as {@link dial}
   */
  static toProxy(place: Place, { socket, tls, limits }: LinkOptions, isKept: boolean): Link {
    const link = new Link(dial(place, socket, tls, false), place.secure, limits, undefined);
    link.carry(isKept ? keptStream(link.socket, place.secure) : streamOver(link.socket));
    return link;
  }

  take(): ByteStream {
    return this.carrier!.stream;
  }

  private carry(stream: SocketStream): void {
    this.carrier = { stream, http: this.httpOver(stream) };
  }

  private httpOver(stream: ByteStream): HttpStream {
    return new HttpStream(stream, this.limits, (cause) => this.onGone(cause));
  }

  private whenReady({ socket, ready }: Dialled, secure: boolean, onHttp2: OnHttp2): Promise<void> {
    const watch = onHttp2 === undefined ? undefined : this.watch(socket);
    const promise = new Promise<void>((resolve, reject) => {
      this.giveUp = (cause) => reject(new OpeningFailure(whyNotReady(socket, cause, secure), { cause }));
      socket.once(ready, () => {
        this.giveUp = null;
        watch?.stop();
        if (onHttp2 !== undefined) this.begin(onHttp2, secure);
        resolve();
      });
    });
    // Whoever waits may do something else first.
    promise.catch(() => {});
    return promise;
  }

  /** Nothing is read before it is known what is spoken; but it may fail. */
  private watch(socket: Socket): { stop(): void } {
    let cause: Error | undefined;
    const onError = (error: Error): void => void (cause = error);
    const onClose = (): void => this.onGone(cause);
    socket.on('error', onError).on('close', onClose);
    return { stop: () => socket.off('error', onError).off('close', onClose) };
  }

  private begin(onHttp2: NonNullable<OnHttp2>, secure: boolean): void {
    const { socket } = this;
    if (!this.isAlive) return;
    if (secure && (socket as TLSSocket).alpnProtocol !== 'h2') return this.carry(streamOver(socket));
    this.isTaken = true;
    this.isAlive = false;
    // A session has no use for one half of a connection, and would not notice that the other is gone.
    socket.allowHalfOpen = false;
    onHttp2(socket);
  }

  private onGone(cause: Error | undefined): void {
    this.isAlive = false;
    this.giveUp?.(cause);
    this.giveUp = null;
  }

  /**
   * Goes on with TLS over this connection, which leads through a proxy to a server.
   * @throws UsageError as {@link dialOver}
   */
  startTls(place: Place, tls: ClientTlsOptions, onHttp2: OnHttp2): void {
    const dialled = dialOver(this.carrier!.stream.release(), place, tls, onHttp2 !== undefined);
    this.carrier = null;
    this.socket = dialled.socket;
    if (onHttp2 === undefined) this.carry(streamOver(dialled.socket));
    this.ready = this.whenReady(dialled, true, onHttp2);
  }

  /** HTTP/2 is spoken through the tunnel, without TLS. */
  startHttp2(onHttp2: NonNullable<OnHttp2>): void {
    const socket = this.carrier!.stream.release();
    this.carrier = null;
    if (this.early.length > 0) socket.unshift(this.early);
    this.begin(onHttp2, false);
  }

  /**
   * The tunnel is there, and the next request goes to the server. Only from inside the reaction to a head.
   * @param early what came behind the head, where that and what follows is for {@link startHttp2}
   */
  enterTunnel(early: Uint8Array | undefined): void {
    this.requests = 0;
    if (early !== undefined) {
      this.early = early;
      this.carrier!.stream.pause();
    }
    this.carrier!.http = this.httpOver(this.carrier!.stream);
  }

  ask(head: string, onHead: OnHead): Promise<Asked> {
    const isUsed = this.requests++ > 0;
    return new Promise((resolve, reject) => {
      // It ended while the application was asked for something.
      if (!this.isAlive) return isUsed ? resolve(UNANSWERED) : reject(new OpeningFailure('PB_ANSWER_ENDED'));
      this.carrier!.http.send(head, {
        onHead: (answer, bytes, at, end) => {
          const reaction = onHead(answer, bytes, at, end);
          if (reaction === 'taken') resolve(undefined);
          return reaction;
        },
        onAnswer: (answer) => {
          if (!answer.isReusable) this.isAlive = false;
          resolve(answer);
        },
        onFault: (code, isUntouched, cause) => {
          this.isAlive = false;
          // The server had ended a connection that was to carry one request more (RFC 9112 §9.3.1).
          if (isUsed && isUntouched && code === 'PB_ANSWER_ENDED') resolve(UNANSWERED);
          else reject(new OpeningFailure(code, { cause }));
        },
      });
    });
  }

  /** As {@link HttpStream.finishBody}. */
  finishBody(): boolean {
    return this.carrier !== null && this.carrier.http.finishBody();
  }

  destroy(): void {
    this.isAlive = false;
    this.giveUp = null;
    if (this.isTaken) return;
    const { carrier } = this;
    carrier?.http.forget();
    if (carrier !== null) carrier.stream.destroy();
    else this.socket.on('error', () => {}).destroy();
  }
}

function whyNotReady(socket: Socket, cause: unknown, secure: boolean): OpeningFailure['code'] {
  // The certificate was looked at and not accepted, by whatever check: one of the application may give any error.
  if ((socket as Partial<TLSSocket>).authorizationError) return 'PB_CONNECT_TLS';
  return cause instanceof Error ? connectFailureCode(cause, secure) : 'PB_ANSWER_ENDED';
}

function keptStream(socket: Socket, secure: boolean): SocketStream {
  return secure ? new TlsSocketStream(socket) : new SocketStream(socket);
}
