import {
  type AcceptedAnswer,
  type AnswerFault,
  answerFault,
  type AnswerRules,
  checkAgreement,
  type ClientRequestOptions,
  type HandshakeAnswer,
  handshakeLines,
  HEADER_FAULTS,
  RESERVED,
} from './client-handshake.ts';
import { isTunnelOpen } from './connect-request.ts';
import { DEFAULT_HEADER_LIMITS, scanHandshakeFields } from './header-fields.ts';
import { CONNECTION_FIELDS, type HeaderLine } from './header-input.ts';
import type { ExtensionOffer } from '../protocol/extension-offer.ts';
import { hostField, type WebSocketUri } from './websocket-uri.ts';

/** A client's opening handshake over HTTP/2, and what its answer is to be checked against. */
export interface ExtendedConnect {
  /** Pseudo-header fields first, then the others; all names in lower case (RFC 9113 §8.2.1). */
  readonly fields: readonly HeaderLine[];
  readonly subprotocols: readonly string[];
  readonly extensions: readonly ExtensionOffer[];
}

const RESERVED_HERE: ReadonlySet<string> = new Set([...RESERVED, ...CONNECTION_FIELDS]);

/**
 * Builds a client's opening handshake for a stream of HTTP/2 (RFC 8441 §5). It has neither key nor Upgrade: the stream
 * is the request's own, and cannot be taken for another one.
 *
 * @throws {HandshakeUsageError} as `encodeRequest`
 */
export function encodeExtendedConnect(uri: WebSocketUri, options: ClientRequestOptions = {}): ExtendedConnect {
  const { subprotocols = [], extensions = [] } = options;
  const lines = handshakeLines(options, RESERVED_HERE);
  const fields: HeaderLine[] = [
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', uri.secure ? 'https' : 'http'],
    [':authority', hostField(uri)],
    [':path', uri.resourceName],
    ['sec-websocket-version', '13'],
  ];
  for (const [name, value] of lines) fields.push([name.toLowerCase(), value]);
  return { fields, subprotocols, extensions };
}

/**
 * Checks the server's answer on a stream of HTTP/2 against the request (RFC 8441 §5): any 2xx accepts (RFC 9110
 * §9.3.6), and there is no Sec-WebSocket-Accept to look for. Never throws, as `checkAnswer`.
 */
export function checkExtendedAnswer(
  request: Pick<ExtendedConnect, 'subprotocols' | 'extensions'>,
  answer: HandshakeAnswer,
  rules: AnswerRules = {},
): AcceptedAnswer | AnswerFault {
  const fields = scanHandshakeFields(answer.rawHeaders, rules.limits ?? DEFAULT_HEADER_LIMITS);
  if (typeof fields === 'string') return answerFault(HEADER_FAULTS[fields], answer);
  if (!isTunnelOpen(answer.status)) return answerFault('PB_ANSWER_STATUS', answer);
  return checkAgreement(fields, request, answer, rules);
}
