import { HandshakeError, parseRetryAfter } from '@pulsebeacon/websocket';
import { codeOf } from '../failure.ts';
import { EXIT } from './exit-codes.ts';

/** Why a server of channels did not do what it was asked for, and whether asking again may help. */
export interface RemoteFailureOptions {
  readonly exitCode: number;
  /** Whether the same may succeed when tried again unchanged. */
  readonly retry: boolean;
  /** Milliseconds after which the server asks to come again. */
  readonly retryAfter?: number | undefined;
  /** What the options of this program can do about it. */
  readonly hint?: string | undefined;
}

export class RemoteFailure extends Error {
  override readonly name = 'RemoteFailure';
  readonly exitCode: number;
  readonly retry: boolean;
  readonly retryAfter: number | undefined;
  readonly hint: string | undefined;

  constructor(message: string, { exitCode, retry, retryAfter, hint }: RemoteFailureOptions) {
    super(message);
    this.exitCode = exitCode;
    this.retry = retry;
    this.retryAfter = retryAfter;
    this.hint = hint;
  }
}

/** An answer that is not the wanted one. */
export interface RefusingAnswer {
  readonly url: URL;
  readonly status: number;
  readonly title: string;
  header(name: string): string | undefined;
  /** The start of the body, as text. */
  readonly body: string;
}

/** Statuses after which the same request may succeed (RFC 9110 §15, RFC 6585 §4). */
const WORTH_RETRYING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** The sentence of an answer that refuses: that of its problem document (RFC 9457), or what its status says. */
export function failureOfAnswer(answer: RefusingAnswer): RemoteFailure {
  const { url, status, title } = answer;
  const retry = WORTH_RETRYING.has(status);
  const { detail, code } = readProblem(answer);
  const said =
    detail === undefined
      ? `${status} ${title}`.trim()
      : `${detail} (${status}${code === undefined ? '' : `, ${code}`})`;
  const seconds = parseRetryAfter(answer.header('retry-after'), Date.now());
  return new RemoteFailure(`${detail === undefined ? `${url.href} answered ` : ''}${said}`, {
    exitCode: retry ? EXIT.timeout : EXIT.refused,
    retry,
    retryAfter: seconds === undefined ? undefined : seconds * 1000,
    hint: hintFor(answer, code),
  });
}

function readProblem({ header, body }: RefusingAnswer): { readonly detail?: string; readonly code?: string } {
  if (!/^application\/problem\+json\b/i.test(header('content-type') ?? '')) return {};
  try {
    const { detail, title, code } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    const sentence = typeof detail === 'string' ? detail : title;
    return {
      ...(typeof sentence === 'string' ? { detail: sentence } : {}),
      ...(typeof code === 'string' ? { code } : {}),
    };
  } catch {
    // It calls itself a problem and is none: its status says what there is to say.
    return {};
  }
}

function hintFor({ status, header }: RefusingAnswer, code: string | undefined): string | undefined {
  if (status === 401) return '--api-key KEY, or PULSEBEACON_KEY in the environment; pulsebeacon keys create makes one';
  if (status >= 300 && status < 400 && header('location') !== undefined) {
    return `it points to ${header('location')}: --server says where to ask`;
  }
  if (code === 'PB_HANDSHAKE_UPGRADE_MISSING') return '--transport sse, ndjson and poll go through as it is';
  if (status === 404 && code === undefined) return WHERE_CHANNELS_ARE;
  return undefined;
}

const ELSEWHERE = '--server :3000 is one at another port of this machine';
const WHERE_CHANNELS_ARE = '--server names the server, with the path that its channels are below';

/** What answered is no server of channels. @param what gives it away */
export function notAChannel(url: URL, what: string): RemoteFailure {
  return new RemoteFailure(`${url.href} is no channel: ${what}`, {
    exitCode: EXIT.badAnswer,
    retry: false,
    hint: WHERE_CHANNELS_ARE,
  });
}

/** Errors before there is any answer, after which another attempt is of no use. */
const FINAL: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_NODATA', 'EAI_NONAME', 'EACCES', 'EPERM']);
/** Nothing was sent yet. */
const UNREACHABLE =
  /^(?:E(?:NOTFOUND|AI_\w+|CONNREFUSED|HOSTUNREACH|NETUNREACH|HOSTDOWN|NETDOWN|ADDRNOTAVAIL|ACCES|PERM))$/;
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name server does not answer',
  ECONNRESET: 'it was cut off',
  EPIPE: 'it was cut off',
  ETIMEDOUT: 'it does not answer',
};
/** OpenSSL's verdicts on certificates, which Node hands on as they are, and what is no TLS at all. */
const TLS = /^ERR_(?:TLS|SSL)|CERT|SIGNATURE|CRL|ISSUER|HOSTNAME_MISMATCH|CHAIN|^EPROTO$/;

/** What an error of Node's HTTP client means. */
export function failureOfError(url: URL, error: Error): RemoteFailure {
  const code = codeOf(error) ?? '';
  const why = WORDS[code] ?? (error.message || code);
  if (code.startsWith('HPE_')) {
    return new RemoteFailure(`what answers at ${url.host} does not speak HTTP (${error.message})`, {
      exitCode: EXIT.badAnswer,
      retry: false,
    });
  }
  if (TLS.test(code)) {
    return new RemoteFailure(`no TLS connection to ${url.host}: ${error.message}`, {
      exitCode: EXIT.unreachable,
      retry: false,
      hint: '--ca FILE trusts an issuer of your own, --insecure trusts anyone',
    });
  }
  const isUnreachable = UNREACHABLE.test(code);
  const what = isUnreachable ? `cannot reach ${url.host}` : `the connection to ${url.host} failed`;
  return new RemoteFailure(`${what}: ${why}`, {
    exitCode: isUnreachable ? EXIT.unreachable : code === 'ETIMEDOUT' ? EXIT.timeout : EXIT.lost,
    retry: !FINAL.has(code),
    hint: code === 'ECONNRESET' ? hintOfTls(url) : code === 'ECONNREFUSED' ? ELSEWHERE : undefined,
  });
}

/** Who speaks TLS, and is spoken to without, ends the connection and says nothing. */
function hintOfTls({ protocol, host }: URL): string | undefined {
  const isPlain = protocol === 'http:' || protocol === 'ws:';
  return isPlain ? `where the server speaks TLS, it is --server https://${host}` : undefined;
}

/** Why there is no WebSocket. */
export function failureOfHandshake(url: URL, error: HandshakeError): RemoteFailure {
  const { code, status, headers, body, retry, cause } = error;
  if (code === 'PB_ANSWER_STATUS' && status !== undefined) {
    const header = (name: string): string | undefined => headers.get(name);
    return failureOfAnswer({ url, status, title: '', header, body });
  }
  if (code.startsWith('PB_CONNECT_') && code !== 'PB_CONNECT_TIMEOUT' && cause instanceof Error) {
    return failureOfError(url, firstOf(cause));
  }
  const isTimeout = code === 'PB_CONNECT_TIMEOUT' || code === 'PB_ANSWER_TIMEOUT';
  if (isTimeout || code === 'PB_ANSWER_ENDED') {
    const what = isTimeout ? 'does not answer' : 'ended the connection without an answer';
    return new RemoteFailure(`${url.host} ${what}`, {
      exitCode: isTimeout ? EXIT.timeout : EXIT.lost,
      retry: true,
      hint: isTimeout ? undefined : hintOfTls(url),
    });
  }
  return new RemoteFailure(error.message, {
    exitCode: EXIT.badAnswer,
    retry,
    hint: code.startsWith('PB_ANSWER_SUBPROTOCOL')
      ? 'it is no server of channels; where a proxy changes the handshake, --transport sse does without it'
      : undefined,
  });
}

/** Where a host has several addresses, each has an error of its own. */
export function firstOf(error: Error): Error {
  return error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
}
