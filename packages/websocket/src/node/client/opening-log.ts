import type { AnswerHead } from '../../handshake/answer-reader.ts';
import { HeaderFields } from '../../handshake/header-fields.ts';
import { maskUrl } from '../masked-urls.ts';
import type { Aim } from './aim.ts';
import { HandshakeError } from './handshake-error.ts';
import type { Hop } from './hops.ts';
import type { Answer } from './http-stream.ts';
import type { OpeningFailure } from './opening-failure.ts';
import type { Proxy } from './proxy.ts';
import { callTrace, type Trace, type TraceEvent } from './trace.ts';

/** The waits of one opening that nobody needs any more end with this. */
const GIVEN_UP: unique symbol = Symbol('given up');

/** What happened on the way to one connection: for whoever traces it, and for the error that may end it. */
export class OpeningLog {
  /** It has ended, one way or the other. */
  isOver = false;
  /** What is being waited for from the network has been asked for. */
  isAsking = false;
  /** The deadline is over: the answer that is there is the last one. */
  isLate = false;
  private readonly trace: Trace | undefined;
  private readonly hops: Hop[] = [];
  /** The answer that matters, where there is one. */
  private answer: { readonly head: AnswerHead; readonly body: string } | undefined;

  constructor(trace: Trace | undefined) {
    this.trace = trace;
  }

  /** @throws GIVEN_UP where it is over: whoever was told or asked in between may have given up */
  check(): void {
    if (this.isOver) throw GIVEN_UP;
  }

  /** A request is about to be sent. @throws GIVEN_UP as {@link check} */
  asks(text: string): void {
    this.isAsking = true;
    this.tell({ type: 'request', text });
  }

  /** The head of an answer is there. @throws GIVEN_UP as {@link check} */
  answers(head: AnswerHead, { target }: Aim, proxy?: Proxy): void {
    const { status, rawHeaders, text } = head;
    this.answer = { head, body: '' };
    const isElsewhere = status >= 300 && status < 400;
    const location = isElsewhere ? new HeaderFields(rawHeaders).get('location') : undefined;
    this.hops.push({
      url: maskUrl(target.url),
      ...(proxy === undefined ? {} : { proxy: proxy.url }),
      status,
      ...(location === undefined ? {} : { location: maskUrl(location) }),
    });
    this.tell({ type: 'answer', text });
  }

  /** The same answer, with its body. */
  ends(answer: Answer): void {
    this.answer = answer;
    this.isAsking = false;
  }

  /** It is followed: there will be another request. @throws GIVEN_UP as {@link check} */
  follows(): void {
    this.check();
    this.tell({ type: 'hop', hop: this.hops.at(-1)! });
    this.forget();
  }

  /** The answer was what was wished for, or is no longer what matters. */
  forget(): void {
    this.answer = undefined;
    this.isAsking = false;
  }

  private tell(event: TraceEvent): void {
    if (this.trace !== undefined) callTrace(this.trace, event);
    this.check();
  }

  /** A failure, with all that is known. */
  describe({ code, detail, cause }: OpeningFailure, { target, proxy }: Aim): HandshakeError {
    const { answer, hops } = this;
    const url = maskUrl(target.url);
    if (answer === undefined)
      hops.push({ url, ...(proxy === undefined ? {} : { proxy: proxy.url }), status: undefined });
    const failed = answer === undefined ? undefined : { ...answer.head, body: answer.body };
    return new HandshakeError(code, { url, answer: failed, detail, cause, hops });
  }
}
