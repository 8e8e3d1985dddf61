import type { ByteStream, ByteStreamHandler } from '../../connection/byte-stream.ts';
import { AnswerBody } from '../../handshake/answer-body.ts';
import { type AnswerHead, AnswerReader } from '../../handshake/answer-reader.ts';
import type { AnswerFaultCode } from '../../handshake/answer-faults.ts';
import type { HeaderLimits } from '../../handshake/header-fields.ts';
import { nodePlatform } from '../platform.ts';

/** Most bytes of a refusal's body that are kept for the error. */
export const MAX_BODY_BYTES = 4096;

/** A body of more bytes, or one that takes longer, is not read to its end: a new connection costs less. */
const MAX_DRAINED_BYTES = 65_536;
export const MAX_DRAIN_MS = 1000;

/** An answer that did not open a connection. */
export interface Answer {
  readonly head: AnswerHead;
  /** The start of the body, as text. */
  readonly body: string;
  /** It was read to its end, and the connection can carry another request (RFC 9112 §9.3). */
  readonly isReusable: boolean;
}

/** What becomes of an answer, decided when its head is there: bytes from `at` to `end` came behind it. */
export type Reaction =
  /** The stream is somebody else's now, and with it the bytes. */
  | 'taken'
  /** The start of the body is read, for an error. */
  | 'start'
  /** The body is read to its end, within bounds, so that the connection can be used again. */
  | 'all';

export interface AnswerObserver {
  onHead(head: AnswerHead, bytes: Uint8Array, at: number, end: number): Reaction;
  onAnswer(answer: Answer): void;
  /** @param isUntouched not one byte of an answer came */
  onFault(code: AnswerFaultCode, isUntouched: boolean, cause: Error | undefined): void;
}

/** Requests and their answers over a byte stream, one after the other (RFC 9112). */
export class HttpStream implements ByteStreamHandler {
  private readonly stream: ByteStream;
  private readonly limits: HeaderLimits;
  private readonly onGone: (cause: Error | undefined) => void;
  private observer: AnswerObserver | null = null;
  private reader: AnswerReader | null = null;
  private body: AnswerBody | null = null;
  private head: AnswerHead | null = null;
  private isUntouched = true;
  private bytesLeft = 0;
  private isAll = false;
  private timer: NodeJS.Timeout | undefined;

  /** @param onGone the stream ended, or is closed, while no answer is waited for */
  constructor(stream: ByteStream, limits: HeaderLimits, onGone: (cause: Error | undefined) => void) {
    this.stream = stream;
    this.limits = limits;
    this.onGone = onGone;
    stream.attach(this);
  }

  /** @param head the whole request, as Latin-1 */
  send(head: string, observer: AnswerObserver): void {
    this.observer = observer;
    this.reader = new AnswerReader(nodePlatform, this.limits);
    this.isUntouched = true;
    const bytes = Buffer.from(head, 'latin1');
    this.stream.write(bytes, 0, bytes.length);
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.body !== null) return this.takeBody(bytes, start, end);
    const { reader, observer } = this;
    // Nobody has asked for it.
    if (reader === null || observer === null) return this.onGone(undefined);
    this.isUntouched = false;
    const at = reader.push(bytes, start, end);
    if (reader.fault !== undefined) return this.fail(reader.fault, undefined);
    if (reader.head === undefined) return;
    this.head = reader.head;
    this.reader = null;
    const reaction = observer.onHead(reader.head, bytes, at, end);
    if (reaction === 'taken') this.observer = null;
    else this.beginBody(reader.head, reaction === 'all', bytes, at, end);
  }

  private beginBody(head: AnswerHead, isAll: boolean, bytes: Uint8Array, at: number, end: number): void {
    // Whoever was told may have given up.
    if (this.observer === null) return;
    this.body = new AnswerBody(head, MAX_BODY_BYTES);
    this.isAll = isAll;
    this.bytesLeft = MAX_DRAINED_BYTES;
    if (isAll) this.timer = setTimeout(() => this.finishBody(), MAX_DRAIN_MS);
    this.takeBody(bytes, at, end);
  }

  private takeBody(bytes: Uint8Array, start: number, end: number): void {
    const body = this.body!;
    body.push(bytes, start, end);
    this.bytesLeft -= end - start;
    const isEnough = this.isAll ? body.isSettled || this.bytesLeft < 0 : body.isDone;
    if (isEnough) this.finishBody();
  }

  /** What has come of a body has to do. @returns false where none is being read */
  finishBody(): boolean {
    const { body, head, observer } = this;
    if (body === null) return false;
    this.forget();
    const text = Buffer.from(body.bytes).toString();
    observer!.onAnswer({ head: head!, body: text, isReusable: body.isComplete });
    return true;
  }

  onEnd(): void {
    this.onOver(undefined);
  }

  onClose(cause: Error | undefined): void {
    this.onOver(cause);
  }

  onDrain(): void {}

  private onOver(cause: Error | undefined): void {
    if (this.finishBody()) return this.onGone(cause);
    if (this.observer !== null) this.fail('PB_ANSWER_ENDED', cause);
    else this.onGone(cause);
  }

  private fail(code: AnswerFaultCode, cause: Error | undefined): void {
    const { observer, isUntouched } = this;
    this.forget();
    observer!.onFault(code, isUntouched, cause);
  }

  /** Nobody waits for an answer any more. */
  forget(): void {
    clearTimeout(this.timer);
    this.observer = this.reader = this.body = this.head = null;
  }
}
