import type { Socket } from 'node:net';
import type { ByteStream } from '../../connection/byte-stream.ts';
import type { AnswerHead } from '../../handshake/answer-reader.ts';
import type { HeaderLimits } from '../../handshake/header-fields.ts';
import { streamOver } from '../shared-read-buffer.ts';
import { SocketStream, TlsSocketStream } from '../socket-stream.ts';
import { connectFailureCode } from './connect-failures.ts';
import { type ClientSocketOptions, type ClientTlsOptions, dial, dialOver, type Dialled, type Place } from './dial.ts';
import { type Answer, HttpStream, type Reaction } from './http-stream.ts';
import { OpeningFailure } from './opening-failure.ts';

/** A reaction to the head of an answer, as it comes. */
export type OnHead = (head: AnswerHead, bytes: Uint8Array, at: number, end: number) => Reaction;

/** The connection broke before a byte of an answer came: on one that was used before, the server had given it up. */
export const UNANSWERED: unique symbol = Symbol('unanswered');

/** A network connection to a server, direct or through a proxy, and the requests on it. */
export class Link {
  socket: Socket;
  stream: ByteStream;
  /** A proxy has made it lead to a server. */
  isTunnel = false;
  /** There is, or will be, a connection: it has not ended. */
  isAlive = true;
  /** Resolves when it can be written to; rejects with an {@link OpeningFailure}. */
  ready: Promise<void>;
  private readonly limits: HeaderLimits;
  private http: HttpStream;
  /** How many requests it has carried to whom it leads to now. */
  private requests = 0;
  private giveUp: ((failure: unknown) => void) | null = null;

  /**
   * @param isKept the sockets are kept as they are, for TLS to go over them
   * @throws UsageError as {@link dial}
   */
  constructor(
    place: Place,
    options: { readonly socket: ClientSocketOptions; readonly tls: ClientTlsOptions; readonly limits: HeaderLimits },
    isKept: boolean,
  ) {
    this.limits = options.limits;
    const dialled = dial(place, options.socket, options.tls);
    this.socket = dialled.socket;
    this.stream = isKept ? keptStream(dialled.socket, place.secure) : streamOver(dialled.socket);
    this.http = this.httpOver(this.stream);
    this.ready = this.whenReady(dialled, place.secure);
  }

  private httpOver(stream: ByteStream): HttpStream {
    return new HttpStream(stream, this.limits, (cause) => this.onGone(cause));
  }

  private whenReady({ socket, ready }: Dialled, secure: boolean): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      this.giveUp = (cause) => {
        const isError = cause instanceof Error;
        const code = isError ? connectFailureCode(cause, secure) : 'PB_ANSWER_ENDED';
        reject(new OpeningFailure(code, { cause }));
      };
      socket.once(ready, () => {
        this.giveUp = null;
        resolve();
      });
    });
    // Whoever waits may do something else first.
    promise.catch(() => {});
    return promise;
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
  startTls(place: Place, tls: ClientTlsOptions): void {
    const dialled = dialOver((this.stream as SocketStream).release(), place, tls);
    this.socket = dialled.socket;
    this.stream = streamOver(dialled.socket);
    this.http = this.httpOver(this.stream);
    this.ready = this.whenReady(dialled, true);
  }

  /** The tunnel is there, and the next request goes to the server. Only from inside the reaction to a head. */
  enterTunnel(): void {
    this.isTunnel = true;
    this.requests = 0;
    this.http = this.httpOver(this.stream);
  }

  /**
   * Sends a request. Resolves with the answer, with undefined where `onHead` has taken the stream, or with
   * {@link UNANSWERED}; rejects with an {@link OpeningFailure}.
   */
  ask(head: string, onHead: OnHead): Promise<Answer | undefined | typeof UNANSWERED> {
    const isUsed = this.requests++ > 0;
    return new Promise((resolve, reject) => {
      // It ended while the application was asked for something.
      if (!this.isAlive) return isUsed ? resolve(UNANSWERED) : reject(new OpeningFailure('PB_ANSWER_ENDED'));
      this.http.send(head, {
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
          if (isUsed && isUntouched && code === 'PB_ANSWER_ENDED') resolve(UNANSWERED);
          else reject(new OpeningFailure(code, { cause }));
        },
      });
    });
  }

  /** As {@link HttpStream.finishBody}. */
  finishBody(): boolean {
    return this.http.finishBody();
  }

  destroy(): void {
    this.isAlive = false;
    this.giveUp = null;
    this.http.forget();
    this.stream.destroy();
  }
}

function keptStream(socket: Socket, secure: boolean): SocketStream {
  return secure ? new TlsSocketStream(socket) : new SocketStream(socket);
}
