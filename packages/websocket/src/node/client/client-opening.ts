import type { Socket } from 'node:net';
import type { ByteStream } from '../../connection/byte-stream.ts';
import type { Agreement } from '../../connection/shared.ts';
import { ticks, type WheelEntry } from '../../connection/timer-wheel.ts';
import type { AnswerHead } from '../../handshake/answer-reader.ts';
import { checkAnswer, type ClientRequest, encodeRequest } from '../../handshake/client-handshake.ts';
import { connectTarget, encodeConnectRequest } from '../../handshake/connect-request.ts';
import { HeaderFields } from '../../handshake/header-fields.ts';
import type { HeaderLine } from '../../handshake/header-input.ts';
import { copyBytes } from '../../protocol/bytes.ts';
import { wheel } from '../connection-shared.ts';
import { nodePlatform } from '../platform.ts';
import { Aim } from './aim.ts';
import type { Authenticator } from './authentication/authenticator.ts';
import { storeCookies } from './cookies.ts';
import { DeflateNegotiation } from './deflate-negotiation.ts';
import { HandshakeError } from './handshake-error.ts';
import { type Hop, maskUrl } from './hops.ts';
import type { Answer, Reaction } from './http-stream.ts';
import { Link, UNANSWERED } from './link.ts';
import { OpeningFailure, type OpeningFailureOptions } from './opening-failure.ts';
import type { ClientSettings } from './options.ts';
import type { Proxy } from './proxy.ts';
import { followRedirect, REDIRECT_STATUSES } from './redirects.ts';
import { requestLines } from './request-lines.ts';
import { parseRetryAfter } from './retry-after.ts';
import type { ClientTarget } from './target.ts';
import { callTrace, type TraceEvent } from './trace.ts';
import { TracedStream } from './traced-stream.ts';

const EMPTY = new Uint8Array(0);

/** A handshake that succeeded: everything that a connection is made of. */
export interface Opened {
  readonly stream: ByteStream;
  readonly socket: Socket;
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

/** The waits of one opening that nobody needs any more end with this. */
const GIVEN_UP: unique symbol = Symbol('given up');

/**
 * A client's opening handshake on its way (RFC 6455 §4.1): connects, through a proxy where there is one, asks, and does
 * what the answers of HTTP say (credentials, redirects, waits) until one opens the connection or none will. It has one
 * deadline for everything but the waits that a server asked for, and ends in one call of its observer, unless it is
 * cancelled.
 */
export class ClientOpening implements WheelEntry {
  private readonly settings: ClientSettings;
  private readonly observer: OpeningObserver;
  private readonly deflate: DeflateNegotiation;
  private readonly abort = new AbortController();
  private readonly hops: Hop[] = [];
  private readonly visited = new Set<string>();
  private aim: Aim;
  private link: Link;
  private proxyAuthenticator: Authenticator | undefined;
  private request: ClientRequest;
  /** The answer that matters, where there is one. */
  private answer: { readonly head: AnswerHead; readonly body: string } | undefined;
  /** What is being waited for from the network has been asked for. */
  private isAsking = false;
  private isOver = false;
  /** The deadline is over: the answer that is there is the last one. */
  private isLate = false;
  private redirects = 0;
  private retries = 0;
  private wake: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  wheelNext: WheelEntry | null = null;
  wheelPrevious: WheelEntry | null = null;
  wheelDue = -1;

  /** @throws {HandshakeUsageError} where the request cannot be written as the settings ask */
  constructor(target: ClientTarget, settings: ClientSettings, observer: OpeningObserver) {
    this.settings = settings;
    this.observer = observer;
    this.deflate = new DeflateNegotiation(settings.deflate);
    try {
      this.aim = Aim.at(target, settings, this.abort.signal);
      this.request = this.encode(this.aim.headers);
      this.link = this.newLink();
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
    this.isLate = true;
    if (!this.link.finishBody()) {
      const detail = `handshakeTimeout is ${this.settings.limits.handshakeTimeout} ms`;
      this.fail(new OpeningFailure(this.isAsking ? 'PB_ANSWER_TIMEOUT' : 'PB_CONNECT_TIMEOUT', { detail }));
    }
    return -1;
  }

  private startDeadline(): void {
    const { handshakeTimeout } = this.settings.limits;
    if (handshakeTimeout !== 0) wheel.schedule(this, wheel.now + ticks(handshakeTimeout));
  }

  private tell(event: TraceEvent): void {
    const { trace } = this.settings;
    if (trace !== undefined) callTrace(trace, event);
    // Whoever was told may have given up.
    if (this.isOver) throw GIVEN_UP;
  }

  private async run(): Promise<void> {
    try {
      for (;;) {
        const answer = await this.attempt();
        if (answer === undefined) return;
        await this.goOn(answer);
      }
    } catch (error) {
      this.fail(error);
    }
  }

  // --- One request ---------------------------------------------------------------------------------------------------

  /** @returns undefined where the connection is open, and told */
  private async attempt(): Promise<Answer | undefined> {
    // What the application is asked for may come earlier or later than the connection.
    const [lines] = await Promise.all([requestLines(this.aim, this.settings.http.cookieJar), this.connected()]);
    if (this.isOver) throw GIVEN_UP;
    this.request = this.encode(lines);
    const { head } = this.request;
    this.isAsking = true;
    this.tell({ type: 'request', text: head });
    const answer = await this.link.ask(head, (...came) => this.onHead(...came));
    if (answer !== UNANSWERED) return answer;
    // The server had ended a connection that was to carry one request more (RFC 9112 §9.3.1).
    this.renewLink();
    return this.attempt();
  }

  private encode(headers: readonly HeaderLine[]): ClientRequest {
    const extensions = this.deflate.offers;
    const { originField: origin, target } = this.aim;
    const { subprotocols } = this.settings;
    return encodeRequest(nodePlatform, target.uri, { subprotocols, extensions, origin, headers });
  }

  private onHead(head: AnswerHead, bytes: Uint8Array, at: number, end: number): Reaction {
    try {
      return this.readHead(head, bytes, at, end);
    } catch (error) {
      this.fail(error);
      return 'taken';
    }
  }

  private readHead(head: AnswerHead, bytes: Uint8Array, at: number, end: number): Reaction {
    this.answer = { head, body: '' };
    this.note(head);
    this.tell({ type: 'answer', text: head.text });
    if (head.status !== 101) return this.mayGoOn(head) ? 'all' : 'start';
    const { requireSubprotocol, limits } = this.settings;
    const answer = checkAnswer(nodePlatform, this.request, head, { requireSubprotocol, limits: limits.headerLimits });
    if (!answer.ok) throw new OpeningFailure(answer.code);
    const agreement = this.deflate.agree(answer.subprotocol, answer.extensions);
    this.succeed(head, answer.fields, agreement, at === end ? EMPTY : copyBytes(bytes, at, end));
    return 'taken';
  }

  private succeed(head: AnswerHead, fields: HeaderFields, agreement: Agreement, rest: Uint8Array): void {
    this.isOver = true;
    wheel.cancel(this);
    const { link, aim } = this;
    aim.authenticator.accept(fields);
    const { trace, http } = this.settings;
    if (http.cookieJar !== undefined) void storeCookies(http.cookieJar, fields.getAll('set-cookie'), this.aim.httpUrl);
    this.observer.onOpened({
      stream: trace === undefined ? link.stream : new TracedStream(link.stream, trace, rest),
      socket: link.socket,
      agreement,
      status: head.status,
      fields,
      rest,
      url: aim.target.url,
    });
  }

  // --- What the answer says to do ------------------------------------------------------------------------------------

  /** Whether there will be another request after this answer, as far as its head can tell. */
  private mayGoOn({ status, rawHeaders }: AnswerHead): boolean {
    const { redirects, retries } = this.settings.http;
    if (status === 401 || status === 407) return true;
    if (REDIRECT_STATUSES.has(status)) return redirects.max > 0;
    return (
      (status === 503 || status === 429) &&
      this.retries < retries.max &&
      new HeaderFields(rawHeaders).has('retry-after')
    );
  }

  /** Prepares the next request. @throws OpeningFailure where the answer is the last one */
  private async goOn(answer: Answer): Promise<void> {
    this.answer = answer;
    this.isAsking = false;
    const { status, rawHeaders } = answer.head;
    const fields = new HeaderFields(rawHeaders);
    const { cookieJar } = this.settings.http;
    const cookies = fields.getAll('set-cookie');
    if (cookieJar !== undefined) await storeCookies(cookieJar, cookies, this.aim.httpUrl);
    if (this.isOver) throw GIVEN_UP;
    if (this.isLate) throw new OpeningFailure('PB_ANSWER_STATUS');
    if (status === 401) {
      if (!(await this.aim.authenticator.answer(fields))) throw new OpeningFailure('PB_ANSWER_STATUS');
    } else {
      this.aim.authenticator.accept(fields);
      if (REDIRECT_STATUSES.has(status) && this.settings.http.redirects.max > 0) {
        this.redirect(fields.get('location'), cookieJar !== undefined && cookies.length > 0);
      } else {
        await this.waitFor(status, fields);
      }
    }
    if (this.isOver) throw GIVEN_UP;
    this.tell({ type: 'hop', hop: this.hops.at(-1)! });
    this.answer = undefined;
    if (!this.link.isAlive) this.renewLink();
  }

  /** @param isNewState the answer set cookies: the same address may answer otherwise now */
  private redirect(location: string | undefined, isNewState: boolean): void {
    const { max, allowDowngrade } = this.settings.http.redirects;
    const { aim } = this;
    if (++this.redirects > max) throw new OpeningFailure('PB_REDIRECT_TOO_MANY', { detail: `redirects.max is ${max}` });
    this.visited.add(aim.target.url);
    const redirect = followRedirect(aim.target, location, allowDowngrade);
    if (isNewState) this.visited.clear();
    if (this.visited.has(redirect.target.url)) {
      throw new OpeningFailure('PB_REDIRECT_LOOP', { detail: `back to ${maskUrl(redirect.target.url)}` });
    }
    this.aim = aim.follow(redirect);
    if (redirect.isSameOrigin) return;
    if (this.aim.proxy?.url !== aim.proxy?.url) this.proxyAuthenticator = undefined;
    this.link.destroy();
  }

  /** Comes again after Retry-After, where that is allowed. @throws OpeningFailure where it is not */
  private async waitFor(status: number, fields: HeaderFields): Promise<void> {
    const { max, maxWait } = this.settings.http.retries;
    const seconds = parseRetryAfter(fields.get('retry-after'), Date.now());
    const isWorthIt = (status === 503 || status === 429) && seconds !== undefined && seconds * 1000 <= maxWait;
    if (!isWorthIt || this.retries >= max) throw new OpeningFailure('PB_ANSWER_STATUS');
    this.retries++;
    this.link.destroy();
    wheel.cancel(this);
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      this.timer = setTimeout(resolve, seconds * 1000);
    });
    if (!this.isOver) this.startDeadline();
  }

  // --- The way there -------------------------------------------------------------------------------------------------

  private newLink(): Link {
    const { aim, settings } = this;
    const { proxy, target, tls } = aim;
    const { uri, socketPath } = target;
    const { socket, limits, http } = settings;
    const options = { socket, limits: limits.headerLimits };
    if (proxy === undefined) return new Link({ ...uri, socketPath }, { ...options, tls }, false);
    return new Link(proxy, { ...options, tls: http.proxyTls }, uri.secure);
  }

  private renewLink(): void {
    this.link.destroy();
    this.link = this.newLink();
  }

  /** Resolves when the request can be written. */
  private async connected(): Promise<void> {
    const { proxy } = this.aim;
    if (proxy === undefined || this.link.isTunnel) return this.link.ready;
    try {
      await this.link.ready;
    } catch (failure) {
      const { code, cause } = failure as OpeningFailure;
      throw new OpeningFailure(code, { detail: `${describe(cause)}, of the proxy ${proxy.url}`, cause });
    }
    await this.openTunnel(proxy);
    const { target, tls } = this.aim;
    if (target.uri.secure) this.link.startTls(target.uri, tls);
    return this.link.ready;
  }

  private async openTunnel(proxy: Proxy): Promise<void> {
    const { uri } = this.aim.target;
    const authenticator = (this.proxyAuthenticator ??= this.aim.proxyAuthenticator(proxy));
    for (;;) {
      const value = await authenticator.authorize('CONNECT', connectTarget(uri));
      if (this.isOver) throw GIVEN_UP;
      const head = encodeConnectRequest(uri, value === undefined ? [] : [['Proxy-Authorization', value]]);
      this.isAsking = true;
      this.tell({ type: 'request', text: head });
      const answer = await this.link.ask(head, (...came) => this.onConnectHead(proxy, ...came));
      if (this.isOver) throw GIVEN_UP;
      this.isAsking = false;
      if (answer === undefined) return;
      if (answer !== UNANSWERED) await this.answerProxy(authenticator, answer);
      if (this.link.isAlive) continue;
      this.renewLink();
      await this.link.ready;
    }
  }

  private onConnectHead(proxy: Proxy, head: AnswerHead, _bytes: Uint8Array, at: number, end: number): Reaction {
    try {
      this.answer = { head, body: '' };
      this.note(head, proxy);
      this.tell({ type: 'answer', text: head.text });
      if (head.status < 200 || head.status >= 300) return head.status === 407 ? 'all' : 'start';
      this.proxyAuthenticator!.accept(new HeaderFields(head.rawHeaders));
      // A server speaks when it is spoken to: these bytes are somebody else's (RFC 9112 §9.2).
      if (at !== end) throw new OpeningFailure('PB_PROXY_DATA');
      this.answer = undefined;
      this.link.enterTunnel();
    } catch (error) {
      this.fail(error);
    }
    return 'taken';
  }

  private async answerProxy(authenticator: Authenticator, answer: Answer): Promise<void> {
    this.answer = answer;
    const { status, rawHeaders } = answer.head;
    const isAnswered = status === 407 && !this.isLate && (await authenticator.answer(new HeaderFields(rawHeaders)));
    if (!isAnswered) throw new OpeningFailure('PB_PROXY_STATUS');
    if (this.isOver) throw GIVEN_UP;
    this.tell({ type: 'hop', hop: this.hops.at(-1)! });
    this.answer = undefined;
  }

  private note({ status, rawHeaders }: AnswerHead, proxy?: Proxy): void {
    const isElsewhere = status >= 300 && status < 400;
    const location = isElsewhere ? new HeaderFields(rawHeaders).get('location') : undefined;
    this.hops.push({
      url: maskUrl(this.aim.target.url),
      ...(proxy === undefined ? {} : { proxy: proxy.url }),
      status,
      ...(location === undefined ? {} : { location: maskUrl(location) }),
    });
  }

  // --- The end -------------------------------------------------------------------------------------------------------

  private fail(error: unknown): void {
    if (!this.finish()) return;
    this.observer.onFailed(error instanceof OpeningFailure ? this.describe(error) : error);
  }

  private describe({ code, detail, cause }: OpeningFailure & OpeningFailureOptions): HandshakeError {
    const { answer, hops, aim } = this;
    if (answer === undefined) {
      const proxy = aim.proxy === undefined ? {} : { proxy: aim.proxy.url };
      hops.push({ url: maskUrl(aim.target.url), ...proxy, status: undefined });
    }
    const failed = answer === undefined ? undefined : { ...answer.head, body: answer.body };
    return new HandshakeError(code, { url: aim.target.url, answer: failed, detail, cause, hops });
  }

  /** @returns false where it was over before */
  private finish(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    wheel.cancel(this);
    clearTimeout(this.timer);
    this.wake?.();
    this.deflate.release();
    this.link.destroy();
    this.abort.abort();
    return true;
  }
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'it ended the connection';
}
