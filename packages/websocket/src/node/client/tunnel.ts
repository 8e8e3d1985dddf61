import { connectTarget, encodeConnectRequest, isTunnelOpen } from '../../handshake/connect-request.ts';
import { HeaderFields } from '../../handshake/header-fields.ts';
import { copyBytes } from '../../protocol/bytes.ts';
import type { Aim } from './aim.ts';
import type { Authenticator } from './authentication/authenticator.ts';
import { type OnHead, UNANSWERED } from './exchange.ts';
import type { Answer } from './http-stream.ts';
import type { Link } from './link.ts';
import { OpeningFailure } from './opening-failure.ts';
import type { OpeningLog } from './opening-log.ts';
import type { Proxy } from './proxy.ts';

/** Asks a proxy for a tunnel to where an aim points, with credentials where it wants some (RFC 9110 §9.3.6). */
export class Tunnel {
  private readonly proxy: Proxy;
  private readonly aim: Aim;
  private readonly authenticator: Authenticator;
  private readonly log: OpeningLog;
  /** HTTP/2 is spoken behind the proxy without TLS: there the server speaks first (RFC 9113 §3.4). */
  private readonly isServerFirst: boolean;
  private failure: unknown;

  constructor(proxy: Proxy, aim: Aim, authenticator: Authenticator, log: OpeningLog, isServerFirst: boolean) {
    this.proxy = proxy;
    this.aim = aim;
    this.authenticator = authenticator;
    this.log = log;
    this.isServerFirst = isServerFirst;
  }

  /**
   * @param link to the proxy, and connected
   * @returns whether it is there; else the proxy has ended the connection, and wants to be asked again on another one
   * @throws OpeningFailure where the proxy refuses; UsageError for what the application gave
   */
  async open(link: Link): Promise<boolean> {
    const { log, authenticator } = this;
    const { uri } = this.aim.target;
    do {
      const value = await authenticator.authorize('CONNECT', connectTarget(uri));
      log.check();
      const head = encodeConnectRequest(uri, value === undefined ? [] : [['Proxy-Authorization', value]]);
      log.asks(head);
      const answer = await link.ask(head, (...came) => this.react(link, ...came));
      log.check();
      if (this.failure !== undefined) throw this.failure;
      if (answer === undefined) return true;
      if (answer !== UNANSWERED) await this.follow(answer);
    } while (link.isAlive);
    return false;
  }

  private react(link: Link, ...[head, bytes, at, end]: Parameters<OnHead>): ReturnType<OnHead> {
    try {
      this.log.answers(head, this.aim, this.proxy);
      if (!isTunnelOpen(head.status)) return head.status === 407 ? 'all' : 'start';
      this.authenticator.accept(new HeaderFields(head.rawHeaders));
      // A server speaks when it is spoken to: these bytes are somebody else's (RFC 9112 §9.2).
      if (at !== end && !this.isServerFirst) throw new OpeningFailure('PB_PROXY_DATA');
      this.log.forget();
      link.enterTunnel(this.isServerFirst ? copyBytes(bytes, at, end) : undefined);
    } catch (error) {
      this.failure = error;
    }
    return 'taken';
  }

  private async follow(answer: Answer): Promise<void> {
    const { log, authenticator } = this;
    log.ends(answer);
    const { status, rawHeaders } = answer.head;
    const isAnswered = status === 407 && !log.isLate && (await authenticator.answer(new HeaderFields(rawHeaders)));
    if (!isAnswered) throw new OpeningFailure('PB_PROXY_STATUS');
    log.follows();
  }
}
