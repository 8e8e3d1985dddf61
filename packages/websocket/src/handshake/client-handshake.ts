import type { ExtensionOffer } from '../protocol/extension-offer.ts';
import type { Platform } from '../protocol/platform.ts';
import { ANSWER_FAULTS, type AnswerFaultCode } from './answer-faults.ts';
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
import { acceptValue, createKey } from './key.ts';
import { HandshakeUsageError } from './usage-error.ts';
import { parseOrigin } from './origin.ts';
import { serializeSubprotocols } from './subprotocols.ts';
import { equalsIgnoringCase, parseTokenList, trimWhitespace } from './tokens.ts';
import { hostField, type WebSocketUri } from './websocket-uri.ts';

/** What a client asks for. */
export interface ClientRequestOptions {
  /** What the client prefers first; each named once. */
  readonly subprotocols?: readonly string[] | undefined;
  /** What the client prefers first. */
  readonly extensions?: readonly ExtensionOffer[] | undefined;
  /** The origin of the page that connects, serialised (RFC 6454 §6.2) or `null`; clients without pages send none. */
  readonly origin?: string | undefined;
  /** Further headers, such as `Authorization` and `Cookie`. Not those of the handshake itself. */
  readonly headers?: HeadersInput | undefined;
}

/** A client's opening handshake, and what its answer is to be checked against. */
export interface ClientRequest {
  /** The whole request, to be written as Latin-1. */
  readonly head: string;
  readonly key: string;
  readonly subprotocols: readonly string[];
  readonly extensions: readonly ExtensionOffer[];
}

/** An answer as an HTTP client hands it over. */
export interface HandshakeAnswer {
  readonly status: number;
  /** Names and values in turn, one value per field line. */
  readonly rawHeaders: readonly string[];
}

/** What the server agreed to. */
export interface AcceptedAnswer {
  readonly ok: true;
  /** Undefined where the server chose none. */
  readonly subprotocol: string | undefined;
  /** In the order in which they are applied (RFC 6455 §9.1). Their parameters are for each extension to check. */
  readonly extensions: readonly ExtensionOffer[];
  readonly fields: HeaderFields;
}

/** Why the connection fails. Where the code is `PB_ANSWER_STATUS`, the answer is for HTTP to deal with. */
export interface AnswerFault {
  readonly ok: false;
  readonly code: AnswerFaultCode;
  readonly message: string;
  readonly status: number;
}

/** How strict a client is beyond the RFC. */
export interface AnswerRules {
  /** Fail where subprotocols were asked for and the server chose none, as browsers do. Default false. */
  readonly requireSubprotocol?: boolean | undefined;
  readonly limits?: HeaderLimits | undefined;
}

const NONE: readonly never[] = [];

/** Fields that the request sets itself, or must not have. */
export const RESERVED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'origin',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export const HEADER_FAULTS: Readonly<Record<HeaderFault, AnswerFaultCode>> = {
  'too-many-fields': 'PB_ANSWER_TOO_MANY_FIELDS',
  'too-large': 'PB_ANSWER_FIELDS_TOO_LARGE',
  'invalid-value': 'PB_ANSWER_FIELD_INVALID',
};

/**
 * Builds a client's opening handshake (RFC 6455 §4.1), with a fresh key.
 *
 * @throws {HandshakeUsageError} `PB_SUBPROTOCOL_INVALID`, `PB_EXTENSION_INVALID`, `PB_ORIGIN_INVALID` or `PB_HEADER_*`
 */
export function encodeRequest(
  platform: Pick<Platform, 'randomFill'>,
  uri: WebSocketUri,
  options: ClientRequestOptions = {},
): ClientRequest {
  const { subprotocols = NONE, extensions = NONE } = options;
  const key = createKey(platform);
  let head = `GET ${uri.resourceName} HTTP/1.1\r\nHost: ${hostField(uri)}\r\nUpgrade: websocket\r\n`;
  head += `Connection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n`;
  head += encodeHeaderLines(handshakeLines(options, RESERVED));
  return { head: `${head}\r\n`, key, subprotocols, extensions };
}

/**
 * The lines of a handshake that are the same over every version of HTTP.
 * @param reserved in lower case: what the application may not set
 * @throws {HandshakeUsageError} as {@link encodeRequest}
 */
export function handshakeLines(options: ClientRequestOptions, reserved: ReadonlySet<string>): HeaderLine[] {
  const { subprotocols = NONE, extensions = NONE, origin, headers } = options;
  const lines: HeaderLine[] = [];
  if (origin !== undefined) {
    if (origin !== 'null' && parseOrigin(origin) === undefined)
      throw new HandshakeUsageError('PB_ORIGIN_INVALID', origin);
    lines.push(['Origin', origin]);
  }
  if (subprotocols.length > 0) lines.push(['Sec-WebSocket-Protocol', serializeSubprotocols(subprotocols)]);
  if (extensions.length > 0) lines.push(['Sec-WebSocket-Extensions', serializeExtensions(extensions)]);
  return [...lines, ...readHeadersInput(headers, reserved)];
}

/**
 * Checks the server's answer against the request (RFC 6455 §4.1). Never throws: the answer accepts in every point, or
 * there is a fault, and the connection is failed.
 */
export function checkAnswer(
  platform: Pick<Platform, 'sha1Base64'>,
  request: Pick<ClientRequest, 'key' | 'subprotocols' | 'extensions'>,
  answer: HandshakeAnswer,
  rules: AnswerRules = {},
): AcceptedAnswer | AnswerFault {
  const fail = (code: AnswerFaultCode): AnswerFault => answerFault(code, answer);
  if (answer.status !== 101) return fail('PB_ANSWER_STATUS');
  const fields = scanHandshakeFields(answer.rawHeaders, rules.limits ?? DEFAULT_HEADER_LIMITS);
  if (typeof fields === 'string') return fail(HEADER_FAULTS[fields]);
  const fault = checkUpgrade(fields) ?? checkAccept(fields, acceptValue(platform, request.key));
  return fault === undefined ? checkAgreement(fields, request, answer, rules) : fail(fault);
}

export function answerFault(code: AnswerFaultCode, { status }: HandshakeAnswer): AnswerFault {
  return { ok: false, code, message: ANSWER_FAULTS[code].message, status };
}

/** Subprotocol and extensions, which are agreed on in the same way over every version of HTTP. */
export function checkAgreement(
  fields: HandshakeFields,
  request: Pick<ClientRequest, 'subprotocols' | 'extensions'>,
  answer: HandshakeAnswer,
  rules: AnswerRules,
): AcceptedAnswer | AnswerFault {
  const fail = (code: AnswerFaultCode): AnswerFault => answerFault(code, answer);
  const fault = checkSubprotocol(fields, request.subprotocols, rules.requireSubprotocol === true);
  if (fault !== undefined) return fail(fault);
  const extensions = fields.extensions === undefined ? NONE : parseExtensions(fields.extensions);
  if (extensions === undefined) return fail('PB_ANSWER_EXTENSIONS_INVALID');
  const offered = new Set(request.extensions.map((offer) => offer.name));
  // Two of one name would both claim the same bits of the frame; no offer asks for that (RFC 7692 §5.2).
  if (!extensions.every(({ name }) => offered.delete(name))) return fail('PB_ANSWER_EXTENSION_UNEXPECTED');
  const subprotocol = fields.subprotocol === undefined ? undefined : trimWhitespace(fields.subprotocol);
  return { ok: true, subprotocol, extensions, fields: new HeaderFields(answer.rawHeaders) };
}

/** Items 2 and 3 of the checks in §4.1. An answer has switched to one protocol, so Upgrade is no list here. */
function checkUpgrade({ upgrade, connection }: HandshakeFields): AnswerFaultCode | undefined {
  if (upgrade === undefined || !equalsIgnoringCase(trimWhitespace(upgrade), 'websocket')) return 'PB_ANSWER_UPGRADE';
  const options = connection === undefined ? undefined : parseTokenList(connection);
  return options?.some((option) => equalsIgnoringCase(option, 'upgrade')) ? undefined : 'PB_ANSWER_CONNECTION';
}

/** Item 4. */
function checkAccept({ accept }: HandshakeFields, expected: string): AnswerFaultCode | undefined {
  if (accept === undefined) return 'PB_ANSWER_ACCEPT_MISSING';
  if (accept === REPEATED) return 'PB_ANSWER_ACCEPT_REPEATED';
  return trimWhitespace(accept) === expected ? undefined : 'PB_ANSWER_ACCEPT_WRONG';
}

/** Item 6. */
function checkSubprotocol(
  { subprotocol, subprotocolLines }: HandshakeFields,
  asked: readonly string[],
  isRequired: boolean,
): AnswerFaultCode | undefined {
  if (subprotocol === undefined) {
    return isRequired && asked.length > 0 ? 'PB_ANSWER_SUBPROTOCOL_MISSING' : undefined;
  }
  if (subprotocolLines > 1) return 'PB_ANSWER_SUBPROTOCOL_REPEATED';
  return asked.includes(trimWhitespace(subprotocol)) ? undefined : 'PB_ANSWER_SUBPROTOCOL_UNEXPECTED';
}
