import { ANSWER_FAULTS, type AnswerFaultCode } from '../../handshake/answer-faults.ts';
import { HeaderFields } from '../../handshake/header-fields.ts';
import { CONNECT_FAILURES, type ConnectFailureCode } from './connect-failures.ts';
import type { Hop } from './hops.ts';
import { HTTP_FAILURES, type HttpFailureCode } from './http-failures.ts';
import { parseRetryAfter } from './retry-after.ts';
import { saidByAnswer } from './said-by-answer.ts';

export type HandshakeErrorCode = ConnectFailureCode | AnswerFaultCode | HttpFailureCode;

/** The answer that a handshake failed over, as far as there was one. */
export interface FailedAnswer {
  readonly status: number;
  readonly reason: string;
  readonly rawHeaders: readonly string[];
  /** The start of the body, as text. */
  readonly body: string;
}

export interface HandshakeErrorOptions {
  readonly url: string;
  readonly answer?: FailedAnswer | undefined;
  /** Values that the message of the table does not have. */
  readonly detail?: string | undefined;
  readonly cause?: unknown;
  readonly hops: readonly Hop[];
}

const NO_FIELDS: readonly string[] = [];

/** Statuses after which the same request may succeed (RFC 9110 §15, RFC 6585 §4). */
const WORTH_RETRYING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Why a client has no connection: nothing there, no TLS, or an answer that is not what RFC 6455 §4.1 asks for. `code`
 * is stable; the message says what the server said, and what to do about it.
 */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError';
  readonly code: HandshakeErrorCode;
  readonly url: string;
  /** The HTTP status of the answer; undefined where there was none. */
  readonly status: number | undefined;
  /** The header of the answer; empty where there was none. */
  readonly headers: HeaderFields;
  /** The first bytes of the body, at most 4 KiB, as UTF-8. */
  readonly body: string;
  /** Whether the same may succeed when tried again unchanged. */
  readonly retry: boolean;
  /** Seconds after which the server asks to come again (Retry-After); undefined where it does not say. */
  readonly retryAfter: number | undefined;
  /**
   * Every request on the way and how it ended, the one that failed last: to proxies, after redirects, with credentials.
   * Secrets in the addresses are masked.
   */
  readonly hops: readonly Hop[];

  constructor(code: HandshakeErrorCode, options: HandshakeErrorOptions) {
    const { url, answer, detail, cause, hops } = options;
    const headers = new HeaderFields(answer?.rawHeaders ?? NO_FIELDS);
    super(
      `cannot connect to ${url}${theWay(hops)}: ${whatHappened(code, answer, headers, detail, cause)}; ${whatToDo(code, answer, headers)}`,
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.url = url;
    this.status = answer?.status;
    this.headers = headers;
    this.body = answer?.body ?? '';
    this.hops = hops;
    this.retry =
      STATUS_CODES.has(code) && answer !== undefined ? WORTH_RETRYING.has(answer.status) : entryOf(code).retry;
    this.retryAfter = parseRetryAfter(headers.get('retry-after'), Date.now());
  }
}

/** Failures of which the status says what they are. */
const STATUS_CODES: ReadonlySet<HandshakeErrorCode> = new Set(['PB_ANSWER_STATUS', 'PB_PROXY_STATUS']);

function entryOf(code: HandshakeErrorCode): { readonly message: string; readonly retry: boolean } {
  if (code in CONNECT_FAILURES) return CONNECT_FAILURES[code as ConnectFailureCode];
  return code in HTTP_FAILURES ? HTTP_FAILURES[code as HttpFailureCode] : ANSWER_FAULTS[code as AnswerFaultCode];
}

/** What came before the request that failed. */
function theWay(hops: readonly Hop[]): string {
  const before = hops.slice(0, -1).map(({ url, proxy, status }) => `${status} of ${proxy ?? url}`);
  return before.length === 0 ? '' : ` (after ${before.join(', ')})`;
}

function whatHappened(
  code: HandshakeErrorCode,
  answer: FailedAnswer | undefined,
  headers: HeaderFields,
  detail: string | undefined,
  cause: unknown,
): string {
  if (STATUS_CODES.has(code)) {
    const { status, reason, body } = answer!;
    const answered = `${status}${reason === '' ? '' : ` ${reason}`}`;
    const said = saidByAnswer(body, headers);
    // The pages of most servers are titled with just that.
    const more = said === '' || said === answered ? '' : ` (${said})`;
    return `the ${code === 'PB_PROXY_STATUS' ? 'proxy' : 'server'} answered ${answered}${more}`;
  }
  const more = detail ?? (cause instanceof Error ? messageOf(cause) : undefined);
  return more === undefined ? entryOf(code).message : `${entryOf(code).message} (${more})`;
}

/** Where several addresses were tried, each has its own error, and the whole has no message. */
function messageOf(cause: Error): string {
  if (!(cause instanceof AggregateError)) return cause.message;
  return cause.errors.map((error) => (error as Error).message).join(', ');
}

function whatToDo(code: HandshakeErrorCode, answer: FailedAnswer | undefined, headers: HeaderFields): string {
  if (code in CONNECT_FAILURES) return CONNECT_FAILURES[code as ConnectFailureCode].remedy;
  if (code === 'PB_PROXY_STATUS' && answer!.status !== 407) return remedyForTunnel(answer!.status);
  if (STATUS_CODES.has(code)) return remedyFor(answer!.status, headers);
  if (code in HTTP_FAILURES) return HTTP_FAILURES[code as HttpFailureCode].remedy;
  if (code === 'PB_ANSWER_NOT_HTTP') return 'check the port, and whether it speaks TLS: wss: is for TLS, ws: without';
  if (code === 'PB_ANSWER_TIMEOUT') return 'raise handshakeTimeout, or look at what the server waits for';
  if (code === 'PB_ANSWER_ENDED') return 'see what the server, or a proxy before it, logs';
  if (code === 'PB_ANSWER_TOO_MANY_FIELDS' || code === 'PB_ANSWER_FIELDS_TOO_LARGE') {
    return 'raise headerLimits if the server is to be trusted';
  }
  if (code.startsWith('PB_ANSWER_SUBPROTOCOL')) return 'compare `subprotocols` with what the server speaks';
  return 'the server, or a proxy before it, does not conform to RFC 6455';
}

function remedyForTunnel(status: number): string {
  const isUnreached = status === 502 || status === 503 || status === 504;
  return isUnreached
    ? 'the proxy does not reach the server: check the address, and that the server runs'
    : HTTP_FAILURES.PB_PROXY_STATUS.remedy;
}

const isOurVersion = (headers: HeaderFields): boolean => (headers.get('sec-websocket-version') ?? '13') === '13';

function remedyFor(status: number, headers: HeaderFields): string {
  const quoted = (name: string): string => (headers.has(name) ? ` (${headers.get(name)})` : '');
  if (status >= 300 && status < 400) {
    return `it points elsewhere: connect to the address in Location${quoted('location')}, or set \`redirects\` to follow it`;
  }
  switch (status) {
    case 401:
      return `pass \`credentials\` or \`bearer\`, as WWW-Authenticate asks${quoted('www-authenticate')}`;
    case 403:
      return 'check the credentials, and `origin` against what the server allows';
    case 404:
    case 410:
      return 'check the path';
    case 405:
      return 'check the path: what is there takes other methods';
    case 407:
      return `a proxy asks for credentials${quoted('proxy-authenticate')}: put them into \`proxy\`, as http://user:password@host:port`;
    case 426:
      return headers.get('upgrade')?.toLowerCase() === 'websocket' && isOurVersion(headers)
        ? 'what it asks for was sent: a proxy on the way has to be told to pass Upgrade and Connection on'
        : `the server wants another protocol or version${quoted('upgrade')}${quoted('sec-websocket-version')}`;
    case 429:
    case 503:
      return `try again later${headers.has('retry-after') ? `: Retry-After is ${headers.get('retry-after')}` : ''}`;
    case 502:
    case 504:
      return 'a proxy could not reach the server behind it';
    default:
      return status < 300
        ? 'what is there is an ordinary page, or a proxy on the way removes Upgrade'
        : 'see what the server logs';
  }
}
