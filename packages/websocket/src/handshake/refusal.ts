import type { Platform } from '../protocol/platform.ts';
import { toAsciiJson } from './ascii-json.ts';
import {
  CONNECTION_FIELDS,
  encodeHeaderLines,
  type HeaderLine,
  type HeadersInput,
  readHeadersInput,
} from './header-input.ts';
import { HandshakeUsageError } from './usage-error.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { type RefusalCode, REFUSALS } from './refusals.ts';

/** Seconds after which a client may come back, where a refusal says so and no other number is given. */
export const DEFAULT_RETRY_AFTER = 5;

/** What an application may say in a refusal beside the status. */
export interface RefusalOptions {
  /** A stable code for programs. Default `PB_HANDSHAKE_REFUSED`. */
  readonly code?: string;
  /** What is wrong and what to do, for people; the `detail` of the problem document. */
  readonly detail?: string;
  /**
   * Such as `WWW-Authenticate`, which a 401 must have, `Location`, or `Retry-After`. `Content-Type` goes with `body`.
   * Not those that frame the answer: Connection, Content-Length, Transfer-Encoding, Upgrade.
   */
  readonly headers?: HeadersInput;
  /** Takes the place of the problem document. Default Content-Type: plain text for a string, else bytes. */
  readonly body?: string | Uint8Array;
}

/** Fields that frame the answer, or that would make it look like an acceptance (RFC 6455 §1.3). */
const RESERVED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Statuses whose answers have no content (RFC 9110 §15). */
const WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 205, 304]);

const VERSION_13: HeaderLine = ['Sec-WebSocket-Version', '13'];

/**
 * The HTTP answer to a handshake that is refused. What it says was checked when it was made, so that encoding it cannot
 * fail. The connection closes after it: nothing that follows a refused handshake is read as HTTP.
 */
export class Refusal {
  /** Tells a refusal from a handshake. */
  readonly ok: false = false as const;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly headers: readonly HeaderLine[];
  readonly body: string | Uint8Array | undefined;

  /**
   * @param status 200 to 599: any answer that HTTP has for a request (RFC 6455 §4.2.2 items 2 and 3)
   * @throws {HandshakeUsageError} `PB_REFUSAL_STATUS_INVALID`; `PB_REFUSAL_INCOMPLETE`: a 401 without WWW-Authenticate, or a body
   *   where the status allows none; `PB_HEADER_*` for headers that cannot be sent
   */
  constructor(status: number, options: RefusalOptions = {}) {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new HandshakeUsageError('PB_REFUSAL_STATUS_INVALID', String(status));
    }
    const { code = 'PB_HANDSHAKE_REFUSED', detail = '', headers, body } = options;
    if (body !== undefined && WITHOUT_CONTENT.has(status)) {
      throw new HandshakeUsageError('PB_REFUSAL_INCOMPLETE', String(status), 'this status has no body');
    }
    const lines = readHeadersInput(headers, RESERVED);
    if (status === 401 && !hasLine(lines, 'www-authenticate')) {
      throw new HandshakeUsageError(
        'PB_REFUSAL_INCOMPLETE',
        '401',
        'set WWW-Authenticate, such as Bearer, or answer 403',
      );
    }
    if (body === undefined && hasLine(lines, 'content-type')) {
      throw new HandshakeUsageError('PB_HEADER_RESERVED', 'Content-Type', 'it goes with a body');
    }
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.headers = lines;
    this.body = body;
  }

  /**
   * The refusal for one of the stable codes of {@link REFUSALS}, with the headers that belong to it.
   *
   * @param options `detail` in place of the table's message; `retryAfter` in seconds (default 5) where the code's status
   *   is 503; further `headers`
   */
  static of(
    code: RefusalCode,
    options: { readonly detail?: string; readonly headers?: HeadersInput; readonly retryAfter?: number } = {},
  ): Refusal {
    const { status, message } = REFUSALS[code];
    const headers = readHeadersInput(options.headers, RESERVED);
    if (code.startsWith('PB_HANDSHAKE_VERSION_') || status === 426) headers.push(VERSION_13);
    if (status === 503 && !hasLine(headers, 'retry-after')) {
      headers.push(['Retry-After', String(Math.ceil(options.retryAfter ?? DEFAULT_RETRY_AFTER))]);
    }
    return new Refusal(status, { code, detail: options.detail ?? message, headers });
  }

  /** The same with further headers. @throws {HandshakeUsageError} as the constructor */
  withHeaders(further: readonly HeaderLine[]): Refusal {
    const { status, code, detail, headers, body } = this;
    const options = { code, detail, headers: [...headers, ...further] };
    return new Refusal(status, body === undefined ? options : { ...options, body });
  }

  /** The name of the status, which is also the title of the problem document (RFC 9457 §4.2.1, `about:blank`). */
  get title(): string {
    return reasonPhrase(this.status);
  }
}

/** An HTTP answer, ready to be written: first `head` as Latin-1, one byte for each character, then `body`. */
export interface EncodedRefusal {
  readonly head: string;
  readonly body: Uint8Array;
}

/** What a refusal is encoded for. */
export interface RefusalContext {
  /** The method of the request: an answer to HEAD has no body. */
  readonly method?: string | undefined;
  /** The time as an HTTP date; a server with a clock sends one (RFC 9110 §6.6.1). */
  readonly date?: string | undefined;
}

/** A whole HTTP/1.1 answer, as problem+json (RFC 9457) unless the refusal brings its own body. */
export function encodeRefusal(
  platform: Pick<Platform, 'encodeUtf8'>,
  refusal: Refusal,
  context: RefusalContext = {},
): EncodedRefusal {
  const { status } = refusal;
  let head = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
  // A sender of Upgrade also sends the connection option (RFC 9110 §7.8); a 426 must name the protocol (§15.5.22).
  head += status === 426 ? 'Connection: close, Upgrade\r\nUpgrade: websocket\r\n' : 'Connection: close\r\n';
  const { lines, body } = contentOf(platform, refusal, status, context);
  return { head: `${head}${encodeHeaderLines(lines)}\r\n`, body };
}

/** An answer over HTTP/2, ready to be written. */
export interface Http2Refusal {
  readonly status: number;
  readonly lines: readonly HeaderLine[];
  readonly body: Uint8Array;
}

/** The same answer over HTTP/2, which has no Upgrade: so 426, which must have one (RFC 9110 §15.5.22), becomes 400. */
export function encodeHttp2Refusal(
  platform: Pick<Platform, 'encodeUtf8'>,
  refusal: Refusal,
  context: RefusalContext = {},
): Http2Refusal {
  const status = refusal.status === 426 ? 400 : refusal.status;
  const { lines, body } = contentOf(platform, refusal, status, context);
  return { status, lines: lines.filter(([name]) => !CONNECTION_FIELDS.has(name.toLowerCase())), body };
}

/** The field lines that say something of the answer, not of the connection, and its body. */
function contentOf(
  platform: Pick<Platform, 'encodeUtf8'>,
  refusal: Refusal,
  status: number,
  context: RefusalContext,
): { lines: HeaderLine[]; body: Uint8Array } {
  const { headers } = refusal;
  const lines: HeaderLine[] = [];
  if (context.date !== undefined && !hasLine(headers, 'date')) lines.push(['Date', context.date]);
  // Without it, caches may keep a 404 or a 405 for the path as such (RFC 9110 §15.1).
  if (!hasLine(headers, 'cache-control')) lines.push(['Cache-Control', 'no-store']);
  if (status === 405 && !hasLine(headers, 'allow')) lines.push(['Allow', 'GET']);
  lines.push(...headers);

  if (WITHOUT_CONTENT.has(status)) {
    if (status === 205) lines.push(['Content-Length', '0']);
    return { lines, body: new Uint8Array(0) };
  }
  const body = encodeBody(platform, refusal, status);
  if (!hasLine(headers, 'content-type')) lines.push(['Content-Type', defaultContentType(refusal.body)]);
  lines.push(['Content-Length', String(body.length)]);
  return { lines, body: context.method === 'HEAD' ? new Uint8Array(0) : body };
}

function encodeBody(platform: Pick<Platform, 'encodeUtf8'>, refusal: Refusal, status: number): Uint8Array {
  const { body, code, detail } = refusal;
  if (body !== undefined && typeof body !== 'string') return body;
  const title = reasonPhrase(status);
  const problem = { type: 'about:blank', title, status, ...(detail === '' ? {} : { detail }), code };
  const text = body ?? toAsciiJson(problem);
  const bytes = new Uint8Array(text.length * 3);
  return bytes.subarray(0, platform.encodeUtf8(text, bytes, 0));
}

function defaultContentType(body: string | Uint8Array | undefined): string {
  if (body === undefined) return 'application/problem+json';
  return typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/octet-stream';
}

function hasLine(lines: readonly HeaderLine[], lower: string): boolean {
  return lines.some(([name]) => name.toLowerCase() === lower);
}
