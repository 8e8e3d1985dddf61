import { toAsciiJson } from './ascii-json.ts';
import { type Authority, defaultPort, parseAuthority } from './authority.ts';
import type { HeaderFields } from './header-fields.ts';
import { HandshakeUsageError } from './usage-error.ts';

/** The parts of a serialised origin (RFC 6454 §6.2). */
export interface Origin {
  /** In lower case, without the colon. */
  readonly scheme: string;
  /** In lower case, punycode as it is, an IPv6 address in brackets. Empty for schemes without hosts, as in `file://`. */
  readonly host: string;
  /** The given port, or the scheme's default; undefined for other schemes without a port. */
  readonly port: number | undefined;
}

const SCHEME = /^[A-Za-z][A-Za-z\d+.-]*$/;

/**
 * Reads one serialised origin, `scheme "://" host [ ":" port ]`, and nothing around it: no userinfo, path, list or
 * whitespace. `null` is not an origin in this sense.
 */
export function parseOrigin(text: string): Origin | undefined {
  const separator = text.indexOf('://');
  const scheme = text.slice(0, Math.max(separator, 0));
  if (!SCHEME.test(scheme)) return undefined;
  return toOrigin(scheme.toLowerCase(), text.slice(separator + 3));
}

function toOrigin(scheme: string, authorityText: string): Origin | undefined {
  const standardPort = defaultPort(scheme);
  // file:// and the schemes of embedded browsers (app://, capacitor://localhost) need no host.
  if (authorityText === '' && standardPort === undefined) return { scheme, host: '', port: undefined };
  const authority = parseAuthority(authorityText);
  if (authority === undefined || authorityText.endsWith(':')) return undefined;
  return { scheme, host: authority.host, port: authority.port ?? standardPort };
}

/** Whether two origins are the same: all three parts (RFC 6454 §5). */
export function isSameOrigin(a: Origin, b: Origin): boolean {
  return a.scheme === b.scheme && a.host === b.host && a.port === b.port;
}

/** Which pages may connect (RFC 6455 §10.2). */
export interface OriginPolicyOptions {
  /**
   * The address or addresses under which browsers reach this server, such as `https://example.com`; a path is ignored.
   * Where given, an origin is compared with these instead of with the request's Host.
   */
  readonly publicUrl?: string | readonly string[] | undefined;

  /** Further origins that may connect, each exact; `'null'` for documents without one; `'*'` alone for any. */
  readonly allowedOrigins?: string | readonly string[] | undefined;

  /**
   * What becomes of a request without Origin. Browsers always send one, other clients seldom do. Default
   * `'allow-unless-browser'`: refused only when Sec-Fetch-Site, Sec-Fetch-Dest or the like shows that a browser sent it.
   */
  readonly missingOrigin?: 'allow' | 'allow-unless-browser' | 'refuse' | undefined;
}

/** Why an origin was allowed, or refused. */
export type OriginReason =
  | 'any-allowed'
  | 'same-origin'
  | 'public-url'
  | 'listed'
  | 'missing-allowed'
  | 'missing'
  | 'missing-in-browser'
  | 'null'
  | 'malformed'
  | 'foreign';

/** The option that would let in what is refused for a reason; undefined for reasons to allow. */
const OPTION_FOR: Readonly<Record<OriginReason, 'missingOrigin' | 'allowedOrigins' | undefined>> = {
  'any-allowed': undefined,
  'same-origin': undefined,
  'public-url': undefined,
  listed: undefined,
  'missing-allowed': undefined,
  missing: 'missingOrigin',
  'missing-in-browser': 'missingOrigin',
  null: 'allowedOrigins',
  malformed: 'allowedOrigins',
  foreign: 'allowedOrigins',
};

/** What a policy says of one request, with all that a log line needs. */
export interface OriginDecision {
  readonly allowed: boolean;
  readonly reason: OriginReason;
  /** Origin as received, not yet made safe for a log; undefined where it was missing. */
  readonly origin: string | undefined;
  /** What it was compared with: the public URLs, or the host of the request. */
  readonly expected: readonly string[];
  /** The option that would let the same request in; undefined where it was allowed. */
  readonly option: keyof OriginPolicyOptions | undefined;
}

/** The parts of a handshake that a policy looks at. */
export interface OriginRequest {
  readonly origin: string | undefined;
  /** The host of the request target where it has one, else the value of Host. */
  readonly host: string;
  readonly fields: HeaderFields;
}

/** A policy whose origins were read and checked once, at start. */
export class OriginPolicy {
  readonly #anyAllowed: boolean;
  readonly #nullAllowed: boolean;
  readonly #listed: readonly Origin[];
  readonly #publicOrigins: readonly Origin[];
  readonly #publicUrls: readonly string[];
  readonly #missing: 'allow' | 'allow-unless-browser' | 'refuse';

  /** @throws {HandshakeUsageError} `PB_ORIGIN_INVALID`: an entry of `allowedOrigins` or a public URL cannot be read */
  constructor(options: OriginPolicyOptions = {}) {
    const { publicUrl = [], allowedOrigins = [], missingOrigin = 'allow-unless-browser' } = options;
    this.#anyAllowed = allowedOrigins === '*';
    const listed = this.#anyAllowed ? [] : toList(allowedOrigins);
    this.#nullAllowed = listed.includes('null');
    this.#listed = listed.filter((origin) => origin !== 'null').map(readListedOrigin);
    this.#publicUrls = toList(publicUrl);
    this.#publicOrigins = this.#publicUrls.map(readPublicUrl);
    this.#missing = missingOrigin;
  }

  /**
   * @param scheme the scheme by which the request certainly came: `https` on a TLS listener. Leave it out where a proxy
   *   may have ended TLS; then host and port decide.
   */
  decide(request: OriginRequest, scheme?: 'http' | 'https'): OriginDecision {
    const { origin } = request;
    const reason = origin === undefined ? this.#judgeMissing(request) : this.#judge(origin, request, scheme);
    return new Decision(reason, origin, this.#publicUrls, request);
  }

  #judgeMissing({ fields }: OriginRequest): OriginReason {
    if (this.#missing === 'refuse') return 'missing';
    if (this.#missing === 'allow' || this.#anyAllowed) return 'missing-allowed';
    return isFromBrowser(fields) ? 'missing-in-browser' : 'missing-allowed';
  }

  #judge(text: string, { host }: OriginRequest, scheme: 'http' | 'https' | undefined): OriginReason {
    if (this.#anyAllowed) return 'any-allowed';
    if (text === 'null') return this.#nullAllowed ? 'listed' : 'null';
    const origin = parseOrigin(text);
    if (origin === undefined) return 'malformed';
    if (this.#publicOrigins.some((url) => isSameOrigin(url, origin))) return 'public-url';
    if (this.#listed.some((entry) => isSameOrigin(entry, origin))) return 'listed';
    return this.#publicOrigins.length === 0 && isOriginOfHost(origin, host, scheme) ? 'same-origin' : 'foreign';
  }
}

/** What only refusals and logs ask for is not looked up before. */
class Decision implements OriginDecision {
  readonly allowed: boolean;
  readonly reason: OriginReason;
  readonly origin: string | undefined;
  readonly option: keyof OriginPolicyOptions | undefined;
  readonly #publicUrls: readonly string[];
  readonly #request: OriginRequest;

  constructor(reason: OriginReason, origin: string | undefined, publicUrls: readonly string[], request: OriginRequest) {
    this.option = OPTION_FOR[reason];
    this.allowed = this.option === undefined;
    this.reason = reason;
    this.origin = origin;
    this.#publicUrls = publicUrls;
    this.#request = request;
  }

  get expected(): readonly string[] {
    return this.#publicUrls.length > 0 ? this.#publicUrls : [this.#request.host];
  }
}

/**
 * Sec-Fetch-Mode alone is no sign of a browser: Node's own WebSocket sends it, and no Origin. Browsers say Site and Dest
 * as well (Fetch Metadata §3).
 */
function isFromBrowser(fields: HeaderFields): boolean {
  return fields.hasPrefix('sec-fetch-s') || fields.hasPrefix('sec-fetch-d');
}

/** The sentence for the log: both values, and the option that would allow it. Safe to print; values are cut to length. */
export function describeOriginDecision(decision: OriginDecision): string {
  const origin = decision.origin === undefined ? 'a request without Origin' : `Origin ${printable(decision.origin)}`;
  const verdict = decision.allowed ? 'allowed' : 'refused';
  const expected = decision.expected.map(printable).join(', ');
  const sentence = `${origin} ${verdict} (${decision.reason}): compared with ${expected}`;
  switch (decision.option) {
    case undefined:
      return sentence;
    case 'missingOrigin':
      return `${sentence}; missingOrigin: "allow" would let it in`;
    default:
      return decision.reason === 'malformed'
        ? `${sentence}; only allowedOrigins: "*" would let it in`
        : `${sentence}; allowedOrigins: [${printable(decision.origin as string)}] would let it in`;
  }
}

/**
 * Whether a page of `origin` came from `host`, the value of a Host field. A port that Host leaves out is the default of
 * the scheme by which the request came; where that is not known, of the origin's own scheme.
 */
function isOriginOfHost(origin: Origin, host: string, scheme: 'http' | 'https' | undefined): boolean {
  if (origin.scheme !== 'http' && origin.scheme !== 'https') return false;
  if (scheme !== undefined && origin.scheme !== scheme) return false;
  const authority: Authority | undefined = parseAuthority(host);
  if (authority === undefined || authority.host !== origin.host) return false;
  return (authority.port ?? defaultPort(origin.scheme)) === origin.port;
}

function toList(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

function readListedOrigin(text: string): Origin {
  const origin = parseOrigin(text);
  if (origin === undefined) {
    throw new HandshakeUsageError('PB_ORIGIN_INVALID', text, 'no path, no slash at the end, no wildcard');
  }
  return origin;
}

/** The origin of the pages that are served under a URL: `wss:` is where pages of `https:` connect to. */
function readPublicUrl(text: string): Origin {
  const match = /^(https?|wss?):\/\/([^/?#]*)/i.exec(text);
  if (match !== null) {
    const scheme = (match[1] as string).toLowerCase().replace('ws', 'http');
    const origin = toOrigin(scheme, match[2] as string);
    if (origin !== undefined) return origin;
  }
  throw new HandshakeUsageError('PB_ORIGIN_INVALID', text, 'a public URL begins with http:// or https:// and a host');
}

/** A value of the peer for a log line: quoted, at most 200 characters of it, printable ASCII only. */
function printable(text: string): string {
  return toAsciiJson(text.length > 200 ? `${text.slice(0, 200)}...` : text);
}
