import { parseAuthority } from './authority.ts';
import {
  DEFAULT_HEADER_LIMITS,
  HeaderFields,
  type HeaderLimits,
  REPEATED,
  scanHandshakeFields,
  type SingleField,
} from './header-fields.ts';
import { CONNECTION_FIELDS, type HeaderLine } from './header-input.ts';
import { Refusal } from './refusal.ts';
import type { RefusalCode } from './refusals.ts';
import { parseRequestTarget } from './request-target.ts';
import {
  type AcceptOptions,
  agreedLines,
  checkVersion,
  HEADER_REFUSALS,
  type OpeningHandshake,
  readOffers,
} from './server-handshake.ts';
import { equalsIgnoringCase, trimWhitespace } from './tokens.ts';

/*
 * The opening handshake over HTTP/2 (RFC 8441): a CONNECT whose :protocol says what its stream is to carry. There is no
 * Sec-WebSocket-Key and no Sec-WebSocket-Accept (§5): :protocol and the status say what they say over HTTP/1.1.
 */

/** The pseudo-header fields of a request (RFC 9113 §8.3.1, RFC 8441 §4). */
interface PseudoFields {
  method: SingleField;
  scheme: SingleField;
  authority: SingleField;
  path: SingleField;
  protocol: SingleField;
}

/** The value of :protocol, where the header is that of an extended CONNECT; undefined where it is any other request. */
export function connectProtocol(rawHeaders: readonly string[]): string | undefined {
  let isConnect = false;
  let protocol: string | undefined;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    // They come before all other fields (RFC 9113 §8.3).
    if (!name.startsWith(':')) break;
    if (name === ':method') isConnect = rawHeaders[at + 1] === 'CONNECT';
    else if (name === ':protocol') protocol = rawHeaders[at + 1]!;
  }
  return isConnect ? protocol : undefined;
}

/** Whether a :protocol is WebSocket: in lower case, but compared without regard to it (RFC 8441 §5). */
export function isWebSocketProtocol(protocol: string): boolean {
  return equalsIgnoringCase(protocol, 'websocket');
}

/**
 * Reads a client's opening handshake over HTTP/2 (RFC 8441 §4, §5). Never throws: as `readHandshake`.
 * @param rawHeaders names and values in turn, one value per field line, the pseudo-header fields first
 */
export function readExtendedConnect(
  rawHeaders: readonly string[],
  limits: HeaderLimits = DEFAULT_HEADER_LIMITS,
): OpeningHandshake | Refusal {
  const pseudo = scanPseudoFields(rawHeaders);
  if (pseudo.method !== 'CONNECT') return refuseMethod();
  if (typeof pseudo.protocol !== 'string' || !isWebSocketProtocol(pseudo.protocol)) {
    return Refusal.of('PB_HANDSHAKE_PROTOCOL_UNKNOWN');
  }
  const fields = scanHandshakeFields(rawHeaders, limits);
  if (typeof fields === 'string') return Refusal.of(HEADER_REFUSALS[fields]);
  const { scheme, authority, path } = pseudo;
  if (!isScheme(scheme) || typeof authority !== 'string' || typeof path !== 'string') {
    return Refusal.of('PB_HANDSHAKE_PSEUDO_FIELDS');
  }
  const target = path.startsWith('/') ? parseRequestTarget(path) : undefined;
  if (target === undefined) return Refusal.of('PB_HANDSHAKE_TARGET');
  const regular = withoutPseudoFields(rawHeaders);
  const fault =
    checkHost(authority, fields.host) ??
    (hasConnectionField(regular) ? 'PB_HANDSHAKE_CONNECTION_FIELDS' : undefined) ??
    (fields.hasContent ? 'PB_HANDSHAKE_CONTENT' : undefined) ??
    checkVersion(fields) ??
    (fields.origin === REPEATED ? 'PB_HANDSHAKE_ORIGIN_REPEATED' : undefined);
  if (fault !== undefined) return Refusal.of(fault);
  const offers = readOffers(fields);
  if (!offers.ok) return offers;
  return {
    ok: true,
    path: target.path,
    query: target.query,
    host: authority,
    origin: offers.origin,
    subprotocols: offers.subprotocols,
    extensions: offers.extensions,
    fields: new HeaderFields(regular),
  };
}

/** The refusal of a request for a path of WebSockets that is no CONNECT. */
export function refuseMethod(): Refusal {
  return Refusal.of('PB_HANDSHAKE_CONNECT_MISSING', { headers: { Allow: 'CONNECT' } });
}

/**
 * The field lines of the 200 that accepts a handshake over HTTP/2 (RFC 8441 §5).
 *
 * @throws {HandshakeUsageError} as `encodeAccept`
 */
export function connectAcceptLines(
  handshake: Pick<OpeningHandshake, 'subprotocols' | 'extensions'>,
  options: AcceptOptions = {},
): HeaderLine[] {
  return agreedLines(handshake, options).filter(([name]) => !CONNECTION_FIELDS.has(name.toLowerCase()));
}

function scanPseudoFields(rawHeaders: readonly string[]): PseudoFields {
  const fields: PseudoFields = {
    method: undefined,
    scheme: undefined,
    authority: undefined,
    path: undefined,
    protocol: undefined,
  };
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (!name.startsWith(':')) continue;
    const key = name.slice(1);
    if (!Object.hasOwn(fields, key)) continue;
    const own = key as keyof PseudoFields;
    fields[own] = fields[own] === undefined ? rawHeaders[at + 1]! : REPEATED;
  }
  return fields;
}

/** That of the URI: https for wss, http for ws (RFC 8441 §5). A proxy that ends TLS may say https over plain TCP. */
function isScheme(scheme: SingleField): boolean {
  return typeof scheme === 'string' && (equalsIgnoringCase(scheme, 'https') || equalsIgnoringCase(scheme, 'http'));
}

/** A Host field may be there as well, and then says the same (RFC 9113 §8.3.1). */
function checkHost(authority: string, host: SingleField): RefusalCode | undefined {
  if (host === REPEATED) return 'PB_HANDSHAKE_HOST_REPEATED';
  if (parseAuthority(authority) === undefined) return 'PB_HANDSHAKE_HOST_INVALID';
  return host === undefined || trimWhitespace(host).toLowerCase() === authority.toLowerCase()
    ? undefined
    : 'PB_HANDSHAKE_HOST_INVALID';
}

function withoutPseudoFields(rawHeaders: readonly string[]): readonly string[] {
  const regular: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (!rawHeaders[at]!.startsWith(':')) regular.push(rawHeaders[at]!, rawHeaders[at + 1]!);
  }
  return regular;
}

function hasConnectionField(rawHeaders: readonly string[]): boolean {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (CONNECTION_FIELDS.has(rawHeaders[at]!.toLowerCase())) return true;
  }
  return false;
}
