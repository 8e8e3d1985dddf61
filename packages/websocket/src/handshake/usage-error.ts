/** The stable code of a mistake in using the handshake. */
export type HandshakeUsageCode =
  | 'PB_HEADER_NAME_INVALID'
  | 'PB_HEADER_VALUE_INVALID'
  | 'PB_HEADER_RESERVED'
  | 'PB_SUBPROTOCOL_INVALID'
  | 'PB_SUBPROTOCOL_NOT_OFFERED'
  | 'PB_EXTENSION_INVALID'
  | 'PB_EXTENSION_NOT_OFFERED'
  | 'PB_ORIGIN_INVALID'
  | 'PB_PATH_TEMPLATE_INVALID'
  | 'PB_PATH_TEMPLATE_CONFLICT'
  | 'PB_REFUSAL_STATUS_INVALID'
  | 'PB_REFUSAL_INCOMPLETE'
  | 'PB_URI_INVALID';

/** One way in which an application can use the handshake wrongly. */
export interface HandshakeUsageEntry {
  /** Where the rule is written; empty where it is this library's own. */
  readonly section: string;
  /** Whether the same call may succeed when made again unchanged. */
  readonly retry: boolean;
  /** What is wrong, in a sentence without values. */
  readonly message: string;
}

const entry = (section: string, message: string): HandshakeUsageEntry => ({ section, retry: false, message });

/** Every mistake of an application that this folder reports by throwing. */
export const HANDSHAKE_USAGE_ERRORS: Readonly<Record<HandshakeUsageCode, HandshakeUsageEntry>> = {
  PB_HEADER_NAME_INVALID: entry('RFC 9110 §5.1', 'a header name is not a token'),
  PB_HEADER_VALUE_INVALID: entry(
    'RFC 9110 §5.5',
    'a header value holds a control character or a character above U+00FF',
  ),
  PB_HEADER_RESERVED: entry('RFC 6455 §4', 'the header belongs to the handshake and cannot be set'),
  PB_SUBPROTOCOL_INVALID: entry('RFC 6455 §4.1', 'subprotocols are tokens, each named once'),
  PB_SUBPROTOCOL_NOT_OFFERED: entry('RFC 6455 §4.2.2', 'the subprotocol is not among those the client offered'),
  PB_EXTENSION_INVALID: entry('RFC 6455 §9.1', 'the name and the parameters of an extension are tokens'),
  PB_EXTENSION_NOT_OFFERED: entry('RFC 6455 §9.1', 'the extension is not among those the client offered'),
  PB_ORIGIN_INVALID: entry('RFC 6454 §6.2', 'an origin is a scheme, a host and at most a port: https://example.com'),
  PB_PATH_TEMPLATE_INVALID: entry('RFC 6570 §2', 'the path is not a URI template of level 1 with whole segments'),
  PB_PATH_TEMPLATE_CONFLICT: entry('', 'another path matches exactly the same requests'),
  PB_REFUSAL_STATUS_INVALID: entry('RFC 9110 §15', 'a refusal has a status from 200 to 599'),
  PB_REFUSAL_INCOMPLETE: entry('RFC 9110 §15', 'the status demands a header that is missing, or forbids the body'),
  PB_URI_INVALID: entry('RFC 6455 §3', 'the address is not a ws: or wss: URI'),
};

/** Thrown where the application, not the peer, is wrong. `code` is stable; the message says what to change. */
export class HandshakeUsageError extends TypeError {
  override readonly name: string = 'HandshakeUsageError';
  readonly code: HandshakeUsageCode;

  /** @param value what was given; it goes into the message as JSON, cut to 100 characters */
  constructor(code: HandshakeUsageCode, value: string, hint = '') {
    const shown = JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
    super(`${HANDSHAKE_USAGE_ERRORS[code].message}: ${shown}${hint === '' ? '' : ` (${hint})`}`);
    this.code = code;
  }
}
