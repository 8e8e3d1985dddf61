import type { ExtensionOffer } from '../protocol/extension-offer.ts';
import type { Platform } from '../protocol/platform.ts';
import { parseAuthority } from './authority.ts';
import { parseExtensions, serializeExtensions } from './extension-header.ts';
import {
  DEFAULT_HEADER_LIMITS,
  type HandshakeFields,
  HeaderFields,
  type HeaderFault,
  type HeaderLimits,
  REPEATED,
  scanHandshakeFields,
} from './header-fields.ts';
import { encodeHeaderLines, type HeaderLine, type HeadersInput, readHeadersInput } from './header-input.ts';
import { acceptValue, isKey } from './key.ts';
import { HandshakeUsageError } from './usage-error.ts';
import { Refusal } from './refusal.ts';
import type { RefusalCode } from './refusals.ts';
import { parseRequestTarget, type RequestTarget } from './request-target.ts';
import { parseSubprotocols } from './subprotocols.ts';
import type { UpgradeHead } from './upgrade-head.ts';
import { equalsIgnoringCase, isToken, parseTokenList, splitList, trimWhitespace } from './tokens.ts';

/** A request as an HTTP server hands it over; Node's `IncomingMessage` is one. */
export interface HandshakeRequest {
  readonly method?: string | undefined;
  /** The request target, as received. */
  readonly url?: string | undefined;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  /** Names and values in turn, one value per field line. */
  readonly rawHeaders: readonly string[];
}

/** What a client's opening handshake says, over whichever version of HTTP. Whether it is accepted is still to be decided. */
export interface OpeningHandshake {
  /** Tells a handshake from a {@link Refusal}. */
  readonly ok: true;
  /** The path of the request target, percent-encoded as received. */
  readonly path: string;
  /** The query without its question mark, or undefined where there is none. */
  readonly query: string | undefined;
  /** The authority the client means to talk to: that of an absolute-form target, else the value of Host. */
  readonly host: string;
  /** The value of Origin, not judged yet. */
  readonly origin: string | undefined;
  /** What the client offers, what it prefers first; without repetitions. */
  readonly subprotocols: readonly string[];
  /** What the client offers, what it prefers first. The same name may come several times (RFC 7692 §5.1). */
  readonly extensions: readonly ExtensionOffer[];
  /** All header fields. */
  readonly fields: HeaderFields;
}

/** A client's opening handshake that conforms to RFC 6455 §4.2.1. */
export interface Handshake extends OpeningHandshake {
  readonly key: string;
}

/** What the server answers to a handshake that it accepts. */
export interface AcceptOptions {
  /** One of the client's, or undefined for none. */
  readonly subprotocol?: string | undefined;
  /** Extensions of the client's with the agreed parameters, in the order in which they are applied. */
  readonly extensions?: readonly ExtensionOffer[] | undefined;
  /** Further headers, such as `Set-Cookie`. Not those of the handshake itself, nor those that frame a body. */
  readonly headers?: HeadersInput | undefined;
}

const NONE: readonly never[] = [];

/** Fields that the 101 sets itself, or must not have (RFC 9110 §8.6, RFC 9112 §6.1). */
const RESERVED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The refusal for each fault of a header as such. */
export const HEADER_REFUSALS: Readonly<Record<HeaderFault, RefusalCode>> = {
  'too-many-fields': 'PB_HANDSHAKE_TOO_MANY_FIELDS',
  'too-large': 'PB_HANDSHAKE_FIELDS_TOO_LARGE',
  'invalid-value': 'PB_HANDSHAKE_FIELD_INVALID',
};

/** `version` of RFC 6455 §4.3: 0 to 255 without leading zeros. */
const VERSION = /^(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/;

/**
 * Whether a request asks for WebSocket: its Upgrade field names websocket, well or badly. Where it does not, an Upgrade
 * is to be ignored and the request served as it is (RFC 9110 §7.8).
 */
export function isWebSocketUpgrade(rawHeaders: readonly string[]): boolean {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (!equalsIgnoringCase(rawHeaders[at] as string, 'upgrade')) continue;
    const value = rawHeaders[at + 1] as string;
    if (equalsIgnoringCase(value, 'websocket')) return true;
    for (const protocol of splitList(value)) {
      if (equalsIgnoringCase((protocol.split('/', 1)[0] as string).trimEnd(), 'websocket')) return true;
    }
  }
  return false;
}

/**
 * Reads a client's opening handshake (RFC 6455 §4.2.1). Never throws: whatever the request is, the answer is a
 * handshake that conforms in every point, or the refusal that says where it does not.
 */
export function readHandshake(
  request: HandshakeRequest,
  limits: HeaderLimits = DEFAULT_HEADER_LIMITS,
): Handshake | Refusal {
  if (request.method !== 'GET') return Refusal.of('PB_HANDSHAKE_METHOD');
  const fields = scanHandshakeFields(request.rawHeaders, limits);
  return typeof fields === 'string' ? Refusal.of(HEADER_REFUSALS[fields]) : readFields(request, fields);
}

/** As {@link readHandshake}, of a head that was read with regard to its fields. */
export function readHeadHandshake(
  head: UpgradeHead,
  { maxFields, maxBytes }: HeaderLimits = DEFAULT_HEADER_LIMITS,
): Handshake | Refusal {
  if (head.rawHeaders.length > maxFields * 2) return Refusal.of('PB_HANDSHAKE_TOO_MANY_FIELDS');
  if (head.fieldBytes > maxBytes) return Refusal.of('PB_HANDSHAKE_FIELDS_TOO_LARGE');
  return readFields(head, head.fields);
}

function readFields(request: HandshakeRequest, fields: HandshakeFields): Handshake | Refusal {
  const target = parseRequestTarget(request.url ?? '');
  if (target === undefined) return Refusal.of('PB_HANDSHAKE_TARGET');
  const fault = checkUpgrade(request, fields) ?? checkVersion(fields) ?? checkKey(fields);
  return fault === undefined ? toHandshake(request, fields, target) : Refusal.of(fault);
}

/** Items 1 to 4 of §4.2.1: the HTTP version, Host, Upgrade and Connection. */
function checkUpgrade(request: HandshakeRequest, fields: HandshakeFields): RefusalCode | undefined {
  const { host, upgrade, connection } = fields;
  if (host === undefined) return 'PB_HANDSHAKE_HOST_MISSING';
  if (host === REPEATED) return 'PB_HANDSHAKE_HOST_REPEATED';
  if (parseAuthority(trimWhitespace(host)) === undefined) return 'PB_HANDSHAKE_HOST_INVALID';
  if (upgrade === undefined) return 'PB_HANDSHAKE_UPGRADE_MISSING';
  if (!namesWebSocket(upgrade)) return 'PB_HANDSHAKE_UPGRADE_INVALID';
  const { httpVersionMajor: major, httpVersionMinor: minor } = request;
  if (major < 1 || (major === 1 && minor < 1)) return 'PB_HANDSHAKE_HTTP_VERSION';
  if (connection === undefined || !hasUpgradeOption(connection)) return 'PB_HANDSHAKE_CONNECTION';
  // What follows the head would be read as frames by us and as a body by others: request smuggling.
  return fields.hasContent ? 'PB_HANDSHAKE_CONTENT' : undefined;
}

/** Item 6. Before the key, for a client of another version is to learn which one we speak (§4.4). */
export function checkVersion({ version }: HandshakeFields): RefusalCode | undefined {
  if (version === undefined) return 'PB_HANDSHAKE_VERSION_MISSING';
  if (version === REPEATED) return 'PB_HANDSHAKE_VERSION_REPEATED';
  const trimmed = trimWhitespace(version);
  if (trimmed === '13') return undefined;
  return VERSION.test(trimmed) ? 'PB_HANDSHAKE_VERSION_UNSUPPORTED' : 'PB_HANDSHAKE_VERSION_INVALID';
}

/** Item 5, and a field that nobody may send twice. */
function checkKey({ key, origin }: HandshakeFields): RefusalCode | undefined {
  if (key === undefined) return 'PB_HANDSHAKE_KEY_MISSING';
  if (key === REPEATED) return 'PB_HANDSHAKE_KEY_REPEATED';
  if (!isKey(trimWhitespace(key))) return 'PB_HANDSHAKE_KEY_INVALID';
  return origin === REPEATED ? 'PB_HANDSHAKE_ORIGIN_REPEATED' : undefined;
}

/** Items 5, 8 and 9; the rest was checked. */
function toHandshake(request: HandshakeRequest, fields: HandshakeFields, target: RequestTarget): Handshake | Refusal {
  const offers = readOffers(fields);
  if (!offers.ok) return offers;
  return {
    ok: true,
    path: target.path,
    query: target.query,
    host: target.authority ?? trimWhitespace(fields.host as string),
    origin: offers.origin,
    key: trimWhitespace(fields.key as string),
    subprotocols: offers.subprotocols,
    extensions: offers.extensions,
    fields: new HeaderFields(request.rawHeaders),
  };
}

/** What both versions of HTTP read alike: items 7 to 9 of §4.2.1. Origin was seen to stand once. */
export function readOffers(
  fields: HandshakeFields,
): Pick<OpeningHandshake, 'ok' | 'origin' | 'subprotocols' | 'extensions'> | Refusal {
  const subprotocols = fields.subprotocol === undefined ? NONE : parseSubprotocols(fields.subprotocol);
  if (subprotocols === 'invalid') return Refusal.of('PB_HANDSHAKE_SUBPROTOCOLS_INVALID');
  if (subprotocols === 'repeated') return Refusal.of('PB_HANDSHAKE_SUBPROTOCOLS_REPEATED');
  const extensions = fields.extensions === undefined ? NONE : parseExtensions(fields.extensions);
  if (extensions === undefined) return Refusal.of('PB_HANDSHAKE_EXTENSIONS_INVALID');
  const origin = fields.origin === undefined ? undefined : trimWhitespace(fields.origin as string);
  return { ok: true, origin, subprotocols, extensions };
}

/** Whether a well-formed Connection list (RFC 9110 §7.6.1) has the option upgrade: nearly always nothing else. */
function hasUpgradeOption(connection: string): boolean {
  if (equalsIgnoringCase(connection, 'upgrade')) return true;
  const options = parseTokenList(connection);
  return options !== undefined && options.some((option) => equalsIgnoringCase(option, 'upgrade'));
}

/** Whether a well-formed Upgrade list (RFC 9110 §7.8) has the protocol websocket, which has no version in it. */
function namesWebSocket(upgrade: string): boolean {
  if (equalsIgnoringCase(upgrade, 'websocket')) return true;
  const protocols = splitList(upgrade);
  return (
    protocols.some((protocol) => equalsIgnoringCase(protocol, 'websocket')) &&
    protocols.every((protocol) => {
      const slash = protocol.indexOf('/');
      return slash === -1 ? isToken(protocol) : isToken(protocol.slice(0, slash)) && isToken(protocol.slice(slash + 1));
    })
  );
}

/**
 * The head of the answer that accepts a handshake (RFC 6455 §4.2.2 item 5), to be written as Latin-1.
 *
 * @throws {HandshakeUsageError} `PB_SUBPROTOCOL_NOT_OFFERED`, `PB_EXTENSION_NOT_OFFERED`, `PB_EXTENSION_INVALID` or `PB_HEADER_*`:
 *   the application may answer only with what the client offered, and with headers that cannot break the answer
 */
export function encodeAccept(
  platform: Pick<Platform, 'sha1Base64'>,
  handshake: Pick<Handshake, 'key' | 'subprotocols' | 'extensions'>,
  options: AcceptOptions = {},
): string {
  let head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ';
  head += `${acceptValue(platform, handshake.key)}\r\n`;
  return `${head}${encodeHeaderLines(agreedLines(handshake, options))}\r\n`;
}

/**
 * The field lines of an acceptance that say what was agreed on, and what the application adds.
 *
 * @throws {HandshakeUsageError} as {@link encodeAccept}
 */
export function agreedLines(
  handshake: Pick<OpeningHandshake, 'subprotocols' | 'extensions'>,
  { subprotocol, extensions = NONE, headers }: AcceptOptions,
): HeaderLine[] {
  const lines = readHeadersInput(headers, RESERVED);
  if (extensions.length > 0) {
    for (const { name } of extensions) {
      if (!handshake.extensions.some((offer) => offer.name === name)) {
        throw new HandshakeUsageError('PB_EXTENSION_NOT_OFFERED', name);
      }
    }
    lines.unshift(['Sec-WebSocket-Extensions', serializeExtensions(extensions)]);
  }
  if (subprotocol !== undefined) {
    if (!handshake.subprotocols.includes(subprotocol))
      throw new HandshakeUsageError('PB_SUBPROTOCOL_NOT_OFFERED', subprotocol);
    lines.unshift(['Sec-WebSocket-Protocol', subprotocol]);
  }
  return lines;
}
