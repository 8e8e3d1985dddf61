import { type ClientHttp2Stream, constants } from 'node:http2';
import type { Socket } from 'node:net';
import type { ByteStream } from '../../../connection/byte-stream.ts';
import type { AnswerHead } from '../../../handshake/answer-reader.ts';
import type { AnswerFaultCode } from '../../../handshake/answer-faults.ts';
import type { HeaderLimits } from '../../../handshake/header-fields.ts';
import { encodeHeaderLines, type HeaderLine } from '../../../handshake/header-input.ts';
import { UsageError } from '../../../connection/errors.ts';
import { Http2ByteStream, http2ErrorName, resetStream } from '../../http2-stream.ts';
import { type Asked, type Exchange, type OnHead, UNANSWERED } from '../exchange.ts';
import { MAX_BODY_BYTES, MAX_DRAIN_MS } from '../http-stream.ts';
import { OpeningFailure } from '../opening-failure.ts';
import type { ClientSession } from './client-session.ts';

const { NGHTTP2_HTTP_1_1_REQUIRED } = constants;
const EMPTY = new Uint8Array(0);

/** Requests on a session that others use as well, each on a stream of its own (RFC 8441 §4). */
export class Http2Exchange implements Exchange {
  readonly httpVersion = '2';
  private readonly session: ClientSession;
  private readonly limits: HeaderLimits;
  /** The server would have HTTP/1.1 for this (RFC 9113 §7). */
  needsHttp1 = false;
  private http2: ClientHttp2Stream | null = null;
  private taken: Http2ByteStream | null = null;
  private request: PendingRequest | null = null;
  private isOver = false;

  /** @param session with a stream set aside for this */
  constructor(session: ClientSession, limits: HeaderLimits) {
    this.session = session;
    this.limits = limits;
  }

  get isAlive(): boolean {
    return !this.isOver && this.session.isUsable;
  }

  get socket(): Socket {
    return this.session.socket;
  }

  ask(fields: readonly HeaderLine[], onHead: OnHead): Promise<Asked> {
    const { session } = this;
    // It ended while the application was asked for something.
    if (!this.isAlive) return Promise.resolve(UNANSWERED);
    const isUsed = session.isProven;
    return new Promise((resolve, reject) => {
      const http2 = this.open(fields);
      this.http2 = http2;
      this.request = new PendingRequest(http2, {
        limits: this.limits,
        onHead: (head) => {
          session.isProven = true;
          const reaction = onHead(head, EMPTY, 0, 0);
          if (reaction !== 'taken') return reaction === 'all';
          resolve(undefined);
          return 'taken';
        },
        onAnswer: (head, body) => resolve({ head, body, isReusable: true }),
        onFault: (code, detail) => reject(new OpeningFailure(code, { detail })),
        onUnanswered: (cause) => {
          this.needsHttp1 = http2.rstCode === NGHTTP2_HTTP_1_1_REQUIRED;
          const isUnprocessed = session.isUnprocessed(http2);
          if (isUnprocessed && session.isUsable) session.noteRefused();
          if (isUnprocessed || this.needsHttp1 || (isUsed && !session.isUsable)) return resolve(UNANSWERED);
          const detail = http2.rstCode ? `the stream was reset with ${http2ErrorName(http2.rstCode)}` : undefined;
          reject(new OpeningFailure('PB_ANSWER_ENDED', { detail, cause }));
        },
      });
    });
  }

  /** @throws UsageError `PB_OPTION_INVALID` for fields that HTTP/2 cannot have, such as two of Authorization */
  private open(fields: readonly HeaderLine[]): ClientHttp2Stream {
    try {
      return this.session.request(fields);
    } catch (error) {
      throw new UsageError('PB_OPTION_INVALID', `the request cannot be sent over HTTP/2: ${(error as Error).message}`);
    }
  }

  /** The stream is the connection's from now on: the session has room again when it has ended. */
  take(): ByteStream {
    const { session, http2, request } = this;
    this.isOver = true;
    // Nothing of this is kept for as long as the stream lives.
    http2!.once('close', () => session.release());
    this.taken = new Http2ByteStream(http2!);
    request!.leave();
    return this.taken;
  }

  finishBody(): boolean {
    return this.request !== null && this.request.finish();
  }

  /** The server did not answer in time: whether it is there at all is not known, and others should not try it. */
  noteSilence(): void {
    if (this.request?.isUntouched === true) this.session.retire();
  }

  destroy(): void {
    if (this.taken !== null) this.taken.destroy();
    if (this.isOver) return;
    this.isOver = true;
    const { http2, request } = this;
    request?.forget();
    if (http2 !== null) resetStream(http2);
    this.session.release();
  }
}

interface RequestObserver {
  readonly limits: HeaderLimits;
  /** @returns whether the body is to be waited for no longer than for a moment; or that the stream is taken */
  onHead(head: AnswerHead): boolean | 'taken';
  onAnswer(head: AnswerHead, body: string): void;
  onFault(code: AnswerFaultCode, detail?: string): void;
  /** The stream ended before an answer came. */
  onUnanswered(cause: Error | undefined): void;
}

/** A request that waits for its answer, and for the start of its body. */
class PendingRequest {
  isUntouched = true;
  private readonly http2: ClientHttp2Stream;
  private readonly observer: RequestObserver;
  private readonly chunks: Buffer[] = [];
  private length = 0;
  private head: AnswerHead | null = null;
  private isDone = false;
  private cause: Error | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(http2: ClientHttp2Stream, observer: RequestObserver) {
    this.http2 = http2;
    this.observer = observer;
    http2.on('error', this.onError).on('response', this.onResponse).on('close', this.onClose);
  }

  /** Stays where the stream is not taken: an error that comes late finds somebody. */
  private readonly onError = (error: Error): void => void (this.cause ??= error);

  private readonly onResponse = (_headers: object, _flags: number, raw: unknown): void => {
    this.isUntouched = false;
    const head = readHead(raw as readonly string[]);
    const { maxFields, maxBytes } = this.observer.limits;
    if (head.rawHeaders.length > maxFields * 2) return this.fail('PB_ANSWER_TOO_MANY_FIELDS');
    if (head.text.length > maxBytes) return this.fail('PB_ANSWER_FIELDS_TOO_LARGE');
    this.head = head;
    const reaction = this.observer.onHead(head);
    if (reaction === 'taken') return this.forget();
    // Whoever was told may have given up.
    if (this.isDone) return;
    if (reaction) this.timer = setTimeout(() => this.finish(), MAX_DRAIN_MS);
    this.http2.on('data', this.onData).on('end', this.onEnd);
  };

  private readonly onData = (chunk: Buffer): void => {
    this.chunks.push(chunk);
    this.length += chunk.length;
    if (this.length >= MAX_BODY_BYTES) this.finish();
  };

  private readonly onEnd = (): void => void this.finish();

  private readonly onClose = (): void => {
    if (this.isDone || this.finish()) return;
    this.forget();
    this.observer.onUnanswered(this.cause);
  };

  private fail(code: AnswerFaultCode): void {
    this.forget();
    resetStream(this.http2);
    this.observer.onFault(code);
  }

  /** What has come of the body has to do. @returns false where none is being read */
  finish(): boolean {
    const { head, http2, isDone } = this;
    if (head === null || isDone) return false;
    this.forget();
    // Where the server has said everything, our end of the stream is the end of it; a reset is for the others.
    if (http2.readableEnded) http2.end();
    else resetStream(http2);
    this.observer.onAnswer(head, Buffer.concat(this.chunks).subarray(0, MAX_BODY_BYTES).toString());
    return true;
  }

  /** Whoever has the stream now hears of its errors. */
  leave(): void {
    this.forget();
    this.http2.off('error', this.onError);
  }

  /** Nobody waits for an answer any more. */
  forget(): void {
    this.isDone = true;
    clearTimeout(this.timer);
    this.http2
      .off('response', this.onResponse)
      .off('close', this.onClose)
      .off('data', this.onData)
      .off('end', this.onEnd);
  }
}

/** @param raw names and values in turn, `:status` among them */
function readHead(raw: readonly string[]): AnswerHead {
  const rawHeaders: string[] = [];
  const lines: HeaderLine[] = [];
  let status = 0;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name, value] = [raw[at]!, raw[at + 1]!];
    lines.push([name, value]);
    if (name === ':status') status = Number(value);
    else rawHeaders.push(name, value);
  }
  return { status, reason: '', httpVersion: '2', rawHeaders, text: encodeHeaderLines(lines) };
}
