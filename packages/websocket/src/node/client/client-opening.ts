import type { Socket } from 'node:net';
import type { ByteStream } from '../../connection/byte-stream.ts';
import type { Agreement } from '../../connection/shared.ts';
import { ticks, type WheelEntry } from '../../connection/timer-wheel.ts';
import type { AnswerHead } from '../../handshake/answer-reader.ts';
import { checkAnswer, type ClientRequest, encodeRequest } from '../../handshake/client-handshake.ts';
import { isTunnelOpen } from '../../handshake/connect-request.ts';
import {
  checkExtendedAnswer,
  encodeExtendedConnect,
  type ExtendedConnect,
} from '../../handshake/extended-connect-request.ts';
import { HeaderFields } from '../../handshake/header-fields.ts';
import { encodeHeaderLines, type HeaderLine } from '../../handshake/header-input.ts';
import { copyBytes } from '../../protocol/bytes.ts';
import { wheel } from '../connection-shared.ts';
import type { HttpVersion } from '../http-version.ts';
import { nodePlatform } from '../platform.ts';
import { Aim } from './aim.ts';
import { AnswerLoop } from './answer-loop.ts';
import { storeCookies } from './cookies.ts';
import { DeflateNegotiation } from './deflate-negotiation.ts';
import { type Exchange, type OnHead, UNANSWERED } from './exchange.ts';
import type { Answer, Reaction } from './http-stream.ts';
import { OpeningFailure } from './opening-failure.ts';
import { OpeningLog } from './opening-log.ts';
import type { ClientSettings } from './options.ts';
import { requestLines } from './request-lines.ts';
import type { ClientTarget } from './target.ts';
import { TracedStream } from './traced-stream.ts';
import { Way } from './way.ts';

const EMPTY = new Uint8Array(0);

/** A handshake that succeeded: everything that a connection is made of. */
export interface Opened {
  readonly stream: ByteStream;
  readonly socket: Socket;
  readonly httpVersion: HttpVersion;
  readonly agreement: Agreement;
  readonly status: number;
  readonly fields: HeaderFields;
  /** Bytes that came behind the answer, in memory of their own. */
  readonly rest: Uint8Array;
  /** Where it is connected to, after redirects: without userinfo. */
  readonly url: string;
}

/** Told once how a handshake ended. */
export interface OpeningObserver {
  onOpened(opened: Opened): void;
  /** A {@link HandshakeError}; or what the signal was aborted with; or a UsageError for what the application gave. */
  onFailed(error: unknown): void;
}

/**
 * A client's opening handshake on its way (RFC 6455 §4.1, RFC 8441 §5): connects, asks, and does what the answers of
 * HTTP say (credentials, redirects, waits) until one opens the connection or none will. It has one deadline for
 * everything but the waits that a server asked for, and ends in one call of its observer, unless it is cancelled.
 */
export class ClientOpening implements WheelEntry {
  private readonly settings: ClientSettings;
  private readonly observer: OpeningObserver;
  private readonly deflate: DeflateNegotiation;
  private readonly abort = new AbortController();
  private readonly log: OpeningLog;
  private readonly answers: AnswerLoop;
  private aim: Aim;
  private readonly way: Way;
  private wake: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  wheelNext: WheelEntry | null = null;
  wheelPrevious: WheelEntry | null = null;
  wheelDue = -1;

  /** @throws {HandshakeUsageError} where the request cannot be written as the settings ask */
  constructor(target: ClientTarget, settings: ClientSettings, observer: OpeningObserver) {
    this.settings = settings;
    this.observer = observer;
    this.log = new OpeningLog(settings.trace);
    this.answers = new AnswerLoop(settings.http);
    this.deflate = new DeflateNegotiation(settings.deflate);
    try {
      this.aim = Aim.at(target, settings, this.abort.signal);
      const { headers } = this.aim;
      if (settings.httpVersion !== '2') this.encode(headers);
      if (settings.httpVersion !== '1.1') this.encodeForStream(headers);
      this.way = new Way(this.aim, settings, this.log);
    } catch (error) {
      this.deflate.release();
      throw error;
    }
    this.startDeadline();
    void this.run();
  }

  /** Gives up: nothing is told any more, and the network connection ends. */
  cancel(): void {
    this.finish();
  }

  onTick(): number {
    // What there is of a refusal is told rather than that it was too slow.
    this.log.isLate = true;
    if (!this.way.finishBody()) {
      const detail = `handshakeTimeout is ${this.settings.limits.handshakeTimeout} ms`;
      this.fail(new OpeningFailure(this.log.isAsking ? 'PB_ANSWER_TIMEOUT' : 'PB_CONNECT_TIMEOUT', { detail }));
    }
    return -1;
  }

  private startDeadline(): void {
    const { handshakeTimeout } = this.settings.limits;
    if (handshakeTimeout !== 0) wheel.schedule(this, wheel.now + ticks(handshakeTimeout));
  }

  private async run(): Promise<void> {
    try {
      for (;;) {
        const answer = await this.attempt();
        if (answer === undefined) return;
        if (answer === UNANSWERED) this.way.retry();
        else await this.goOn(answer);
      }
    } catch (error) {
      this.fail(error);
    }
  }

  // --- One request ---------------------------------------------------------------------------------------------------

  /** @returns undefined where the connection is open, and told */
  private async attempt(): Promise<Answer | undefined | typeof UNANSWERED> {
    const { known, exchange } = await this.prepare();
    this.log.check();
    if (exchange.httpVersion === '2') {
      const request = this.encodeForStream(known);
      this.log.asks(encodeHeaderLines(request.fields));
      return exchange.ask(
        request.fields,
        this.reaction((head) => this.readStreamHead(exchange, request, head)),
      );
    }
    const request = this.encode(known);
    this.log.asks(request.head);
    return exchange.ask(
      request.head,
      this.reaction((...came) => this.readHead(exchange, request, ...came)),
    );
  }

  private async prepare(): Promise<{ known: readonly HeaderLine[]; exchange: Exchange }> {
    const { aim, way } = this;
    const { httpVersion, http } = this.settings;
    if (httpVersion === '1.1') {
      // What the application is asked for may come earlier or later than the connection.
      const [known, exchange] = await Promise.all([requestLines(aim, 'GET', http.cookieJar), way.reach()]);
      return { known, exchange };
    }
    // Digest signs the method, which is known when it is known what is spoken.
    const exchange = await way.reach();
    const method = exchange.httpVersion === '2' ? 'CONNECT' : 'GET';
    return { known: await requestLines(aim, method, http.cookieJar), exchange };
  }

  private encode(headers: readonly HeaderLine[]): ClientRequest {
    return encodeRequest(nodePlatform, this.aim.target.uri, this.requestOptions(headers));
  }

  private encodeForStream(headers: readonly HeaderLine[]): ExtendedConnect {
    return encodeExtendedConnect(this.aim.target.uri, this.requestOptions(headers));
  }

  private requestOptions(headers: readonly HeaderLine[]): Parameters<typeof encodeExtendedConnect>[1] {
    const { subprotocols } = this.settings;
    return { subprotocols, extensions: this.deflate.offers, origin: this.aim.originField, headers };
  }

  private reaction(read: OnHead): OnHead {
    return (head, bytes, at, end) => {
      try {
        this.log.answers(head, this.aim);
        return read(head, bytes, at, end);
      } catch (error) {
        this.fail(error);
        return 'taken';
      }
    };
  }

  private readHead(
    exchange: Exchange,
    request: ClientRequest,
    ...[head, bytes, at, end]: Parameters<OnHead>
  ): Reaction {
    if (head.status !== 101) return this.answers.mayGoOn(head) ? 'all' : 'start';
    const answer = checkAnswer(nodePlatform, request, head, this.answerRules);
    const rest = at === end ? EMPTY : copyBytes(bytes, at, end);
    return this.succeed(exchange, head, answer, rest);
  }

  private readStreamHead(exchange: Exchange, request: ExtendedConnect, head: AnswerHead): Reaction {
    if (!isTunnelOpen(head.status)) return this.answers.mayGoOn(head) ? 'all' : 'start';
    return this.succeed(exchange, head, checkExtendedAnswer(request, head, this.answerRules), EMPTY);
  }

  private get answerRules(): Parameters<typeof checkAnswer>[3] {
    const { requireSubprotocol, limits } = this.settings;
    return { requireSubprotocol, limits: limits.headerLimits };
  }

  private succeed(
    exchange: Exchange,
    { status }: AnswerHead,
    answer: ReturnType<typeof checkAnswer>,
    rest: Uint8Array,
  ): Reaction {
    if (!answer.ok) throw new OpeningFailure(answer.code);
    const { fields } = answer;
    this.aim.authenticator.accept(fields);
    const agreement = this.deflate.agree(answer.subprotocol, answer.extensions);
    this.log.isOver = true;
    wheel.cancel(this);
    const { trace, http } = this.settings;
    if (http.cookieJar !== undefined) void storeCookies(http.cookieJar, fields.getAll('set-cookie'), this.aim.httpUrl);
    const stream = exchange.take();
    this.observer.onOpened({
      stream: trace === undefined ? stream : new TracedStream(stream, trace, rest),
      socket: exchange.socket,
      httpVersion: exchange.httpVersion,
      agreement,
      status,
      fields,
      rest,
      url: this.aim.target.url,
    });
    return 'taken';
  }

  // --- What the answer says to do ------------------------------------------------------------------------------------

  /** Prepares the next request. @throws OpeningFailure where the answer is the last one */
  private async goOn(answer: Answer): Promise<void> {
    const { log, way } = this;
    const { cookieJar } = this.settings.http;
    log.ends(answer);
    const fields = new HeaderFields(answer.head.rawHeaders);
    if (cookieJar !== undefined) await storeCookies(cookieJar, fields.getAll('set-cookie'), this.aim.httpUrl);
    log.check();
    if (log.isLate) throw new OpeningFailure('PB_ANSWER_STATUS');
    const step = await this.answers.read(answer.head, fields, this.aim);
    let isSameOrigin = true;
    if (step.type === 'redirect') {
      this.aim = this.aim.follow(step.redirect);
      ({ isSameOrigin } = step.redirect);
    } else if (step.type === 'wait') {
      way.leave();
      await this.wait(step.delay);
    }
    log.follows();
    way.turn(this.aim, isSameOrigin);
  }

  /** The deadline begins anew after it. */
  private async wait(delay: number): Promise<void> {
    wheel.cancel(this);
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      this.timer = setTimeout(resolve, delay);
    });
    this.log.check();
    this.startDeadline();
  }

  // --- The end -------------------------------------------------------------------------------------------------------

  private fail(error: unknown): void {
    if (!this.finish()) return;
    this.observer.onFailed(error instanceof OpeningFailure ? this.log.describe(error, this.aim) : error);
  }

  /** @returns false where it was over before */
  private finish(): boolean {
    if (this.log.isOver) return false;
    this.log.isOver = true;
    wheel.cancel(this);
    clearTimeout(this.timer);
    this.wake?.();
    this.deflate.release();
    this.way.leave();
    this.abort.abort();
    return true;
  }
}
