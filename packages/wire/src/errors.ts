/** One of the errors that hub and client tell each other. */
export interface WireErrorEntry {
  /** The HTTP status where it answers a request. */
  readonly status: number;
  /** The close code where it ends a WebSocket (RFC 6455 §7.4); undefined: it answers a message, and ends nothing. */
  readonly closeCode?: number;
  /** Whether the same may succeed when tried again unchanged. */
  readonly retry: boolean;
  readonly message: string;
}

/** A stable code: it never changes meaning, and is never used again for something else. */
export type WireErrorCode =
  | 'PB_CHANNEL_NAME'
  | 'PB_POSITION_INVALID'
  | 'PB_QUERY_INVALID'
  | 'PB_MESSAGE_INVALID'
  | 'PB_MESSAGE_DEPTH'
  | 'PB_MESSAGE_UNKNOWN'
  | 'PB_COMMAND_INVALID'
  | 'PB_WIRE_VERSION'
  | 'PB_HELLO_MISSING'
  | 'PB_HELLO_REPEATED'
  | 'PB_HELLO_TIMEOUT'
  | 'PB_PAYLOAD_INVALID'
  | 'PB_PAYLOAD_TOO_LARGE'
  | 'PB_PAYLOAD_CHARSET'
  | 'PB_CONTENT_CODING'
  | 'PB_IDEMPOTENCY_KEY'
  | 'PB_UNAUTHENTICATED'
  | 'PB_FORBIDDEN'
  | 'PB_ORIGIN_FORBIDDEN'
  | 'PB_SESSION_INVALID'
  | 'PB_SESSION_EXPIRED'
  | 'PB_NO_PUBLICATION'
  | 'PB_NO_PRESENCE'
  | 'PB_TOO_MANY_CHANNELS'
  | 'PB_TOO_MANY_COMMANDS'
  | 'PB_ALREADY_SUBSCRIBED'
  | 'PB_NOT_SUBSCRIBED'
  | 'PB_RATE'
  | 'PB_AUTH_RATE'
  | 'PB_AUTH_TIMEOUT'
  | 'PB_METHOD'
  | 'PB_NOT_ACCEPTABLE'
  | 'PB_MEDIA_TYPE'
  | 'PB_REQUEST_BUSY'
  | 'PB_SLOW_SUBSCRIBER'
  | 'PB_CLOSED_BY_OPERATOR'
  | 'PB_HUB_FULL'
  | 'PB_HUB_DRAINING'
  | 'PB_BROKER_FAILED'
  | 'PB_HUB_FAILED';

const final = (status: number, message: string, closeCode?: number): WireErrorEntry => ({
  status,
  retry: false,
  message,
  ...(closeCode === undefined ? {} : { closeCode }),
});

const passing = (status: number, message: string, closeCode?: number): WireErrorEntry => ({
  ...final(status, message, closeCode),
  retry: true,
});

/** Every error that crosses the wire. docs/reference/errors.md is made from it. */
export const WIRE_ERRORS: Readonly<Record<WireErrorCode, WireErrorEntry>> = {
  PB_CHANNEL_NAME: final(400, 'this is no name of a channel'),
  PB_POSITION_INVALID: final(400, 'since takes a position, such as k3f9.17, a duration, such as 10m, or all'),
  PB_QUERY_INVALID: final(400, 'a parameter of the query has a value that it cannot have'),
  PB_MESSAGE_INVALID: final(400, 'this is no message of the protocol', 1008),
  PB_MESSAGE_DEPTH: final(400, 'JSON may be nested 32 levels deep', 1008),
  PB_MESSAGE_UNKNOWN: final(400, 'there is no message of this type in this version of the protocol'),
  PB_COMMAND_INVALID: final(400, 'a field of the message is missing, or has a value that it cannot have'),
  PB_WIRE_VERSION: final(400, 'this server does not speak the version of the protocol that the client asks for', 1008),
  PB_HELLO_MISSING: final(400, 'the first message is hello', 1008),
  PB_HELLO_REPEATED: final(400, 'hello comes once'),
  PB_HELLO_TIMEOUT: passing(408, 'the first message, hello, did not come in time', 1008),
  PB_PAYLOAD_INVALID: final(400, 'the payload is not what its content type says'),
  PB_PAYLOAD_TOO_LARGE: final(413, 'the payload is larger than a message of this channel may be'),
  PB_PAYLOAD_CHARSET: final(415, 'text is published in UTF-8'),
  PB_CONTENT_CODING: final(415, 'bodies are published without a content coding'),
  PB_IDEMPOTENCY_KEY: final(400, 'an idempotency key is 1 to 128 printable ASCII characters'),
  PB_UNAUTHENTICATED: final(401, 'credentials are missing or not valid', 1008),
  PB_FORBIDDEN: final(403, 'this client may not do that here', 1008),
  PB_ORIGIN_FORBIDDEN: final(
    403,
    'pages of this origin may not do that here: it is not listed, and not that of Host, which a proxy has to pass on as it is',
  ),
  PB_SESSION_INVALID: final(
    401,
    'this is no session token of this server, or of somebody else: begin without one',
    1008,
  ),
  PB_SESSION_EXPIRED: final(401, 'the session has expired: begin a new one', 1008),
  PB_NO_PUBLICATION: final(404, 'nothing is kept of this channel, or nothing was published in it'),
  PB_NO_PRESENCE: final(404, 'nobody keeps count of who is present in this channel'),
  PB_TOO_MANY_CHANNELS: final(400, 'a client may follow so many channels and no more'),
  PB_TOO_MANY_COMMANDS: final(400, 'a request may bring so many messages and no more'),
  PB_ALREADY_SUBSCRIBED: final(409, 'the client follows this channel already'),
  PB_NOT_SUBSCRIBED: final(409, 'the client does not follow this channel'),
  PB_RATE: passing(429, 'more messages than may come in this time', 1008),
  PB_AUTH_RATE: passing(429, 'too many failed attempts to authenticate from this address'),
  PB_AUTH_TIMEOUT: passing(503, 'it took too long to find out who the client is: try again', 1013),
  PB_METHOD: final(405, 'this resource has other methods: see Allow'),
  PB_NOT_ACCEPTABLE: final(406, 'this resource has no such representation'),
  PB_MEDIA_TYPE: final(415, 'this resource takes no body of this media type'),
  PB_REQUEST_BUSY: passing(409, 'the client has another such request under way'),
  PB_SLOW_SUBSCRIBER: passing(
    503,
    'the client does not read what is sent to it: come back with the last position',
    1013,
  ),
  PB_CLOSED_BY_OPERATOR: passing(
    503,
    'an operator of the server has ended the connection: come back with the last position',
    1013,
  ),
  PB_HUB_FULL: passing(503, 'there are as many clients as there may be', 1013),
  PB_HUB_DRAINING: passing(503, 'the server is shutting down: come back with the last position', 1012),
  PB_BROKER_FAILED: passing(503, 'the store of the channels failed: try again', 1013),
  PB_HUB_FAILED: passing(500, 'the server failed; its log says why', 1011),
};

/** Bad input, told to whoever sent it. `message` says value, limit and remedy. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: WireErrorCode;

  /** @param detail in place of the table's message */
  constructor(code: WireErrorCode, detail: string = WIRE_ERRORS[code].message) {
    super(detail);
    this.code = code;
  }

  get entry(): WireErrorEntry {
    return WIRE_ERRORS[this.code];
  }
}
