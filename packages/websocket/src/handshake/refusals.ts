/** The stable code of a refusal by this library. It never changes meaning and is never used for something else. */
export type RefusalCode =
  | 'PB_HANDSHAKE_METHOD'
  | 'PB_HANDSHAKE_HTTP_VERSION'
  | 'PB_HANDSHAKE_TARGET'
  | 'PB_HANDSHAKE_FIELD_INVALID'
  | 'PB_HANDSHAKE_TOO_MANY_FIELDS'
  | 'PB_HANDSHAKE_FIELDS_TOO_LARGE'
  | 'PB_HANDSHAKE_CONTENT'
  | 'PB_HANDSHAKE_HOST_MISSING'
  | 'PB_HANDSHAKE_HOST_REPEATED'
  | 'PB_HANDSHAKE_HOST_INVALID'
  | 'PB_HANDSHAKE_CONNECT_MISSING'
  | 'PB_HANDSHAKE_PROTOCOL_UNKNOWN'
  | 'PB_HANDSHAKE_PSEUDO_FIELDS'
  | 'PB_HANDSHAKE_CONNECTION_FIELDS'
  | 'PB_HANDSHAKE_UPGRADE_MISSING'
  | 'PB_HANDSHAKE_UPGRADE_INVALID'
  | 'PB_HANDSHAKE_CONNECTION'
  | 'PB_HANDSHAKE_VERSION_MISSING'
  | 'PB_HANDSHAKE_VERSION_REPEATED'
  | 'PB_HANDSHAKE_VERSION_INVALID'
  | 'PB_HANDSHAKE_VERSION_UNSUPPORTED'
  | 'PB_HANDSHAKE_KEY_MISSING'
  | 'PB_HANDSHAKE_KEY_REPEATED'
  | 'PB_HANDSHAKE_KEY_INVALID'
  | 'PB_HANDSHAKE_SUBPROTOCOLS_INVALID'
  | 'PB_HANDSHAKE_SUBPROTOCOLS_REPEATED'
  | 'PB_HANDSHAKE_EXTENSIONS_INVALID'
  | 'PB_HANDSHAKE_ORIGIN_REPEATED'
  | 'PB_HANDSHAKE_ORIGIN_FORBIDDEN'
  | 'PB_HANDSHAKE_AUTHORIZATION_REPEATED'
  | 'PB_HANDSHAKE_UNAUTHENTICATED'
  | 'PB_HANDSHAKE_FORBIDDEN'
  | 'PB_HANDSHAKE_REFUSED'
  | 'PB_HANDSHAKE_NO_SUCH_PATH'
  | 'PB_HANDSHAKE_TIMEOUT'
  | 'PB_HANDSHAKE_AUTHORIZE_FAILED'
  | 'PB_HANDSHAKE_AUTHORIZE_TIMEOUT'
  | 'PB_HANDSHAKE_SERVER_FULL'
  | 'PB_HANDSHAKE_PATH_FULL'
  | 'PB_HANDSHAKE_ADDRESS_FULL'
  | 'PB_HANDSHAKE_MEMORY'
  | 'PB_HANDSHAKE_DRAINING';

/** One reason for which a handshake is refused. */
export interface RefusalEntry {
  /** The HTTP status of the answer. */
  readonly status: number;
  /** Where it is written; empty where it is this library's own. */
  readonly section: string;
  /** Whether the same client may succeed by trying again unchanged, later. */
  readonly retry: boolean;
  /** What is wrong and what to do, in a sentence without values; the `detail` of the answer. */
  readonly message: string;
}

const entry = (status: number, section: string, message: string): RefusalEntry => ({
  status,
  section,
  retry: false,
  message,
});

const passing = (status: number, section: string, message: string): RefusalEntry => ({
  status,
  section,
  retry: true,
  message,
});

/** Every reason for which a handshake is refused. */
export const REFUSALS: Readonly<Record<RefusalCode, RefusalEntry>> = {
  PB_HANDSHAKE_METHOD: entry(405, 'RFC 6455 §4.2.1', 'a WebSocket opens with GET'),
  PB_HANDSHAKE_HTTP_VERSION: entry(
    400,
    'RFC 6455 §4.2.1',
    'a WebSocket opens with HTTP/1.1 or later; a proxy on the way may have to be told to speak it',
  ),
  PB_HANDSHAKE_TARGET: entry(400, 'RFC 6455 §4.2.1', 'the request target is not a path or an http or https URI'),
  PB_HANDSHAKE_FIELD_INVALID: entry(400, 'RFC 9110 §5.5', 'a header field holds CR, LF or NUL'),
  PB_HANDSHAKE_TOO_MANY_FIELDS: entry(431, 'RFC 6585 §5', 'the request has more header fields than the limit'),
  PB_HANDSHAKE_FIELDS_TOO_LARGE: entry(431, 'RFC 6585 §5', 'the header of the request is larger than the limit'),
  PB_HANDSHAKE_CONTENT: entry(400, 'RFC 9110 §7.8', 'the request that opens a WebSocket has no content'),
  PB_HANDSHAKE_HOST_MISSING: entry(400, 'RFC 6455 §4.2.1', 'the Host field is missing'),
  PB_HANDSHAKE_HOST_REPEATED: entry(400, 'RFC 9112 §3.2', 'the Host field is there more than once'),
  PB_HANDSHAKE_HOST_INVALID: entry(400, 'RFC 9112 §3.2', 'the Host field is not a host and at most a port'),
  PB_HANDSHAKE_CONNECT_MISSING: entry(
    405,
    'RFC 8441 §4',
    'this address speaks WebSocket: over HTTP/2 send CONNECT with :protocol websocket',
  ),
  PB_HANDSHAKE_PROTOCOL_UNKNOWN: entry(501, 'RFC 9220 §3', 'the :protocol of this CONNECT is not websocket'),
  PB_HANDSHAKE_PSEUDO_FIELDS: entry(
    400,
    'RFC 8441 §4',
    'a CONNECT with :protocol has :scheme (http or https), :path and :authority, each once',
  ),
  PB_HANDSHAKE_CONNECTION_FIELDS: entry(
    400,
    'RFC 9113 §8.2.2',
    'HTTP/2 has no Connection, Upgrade or other field that speaks of the connection',
  ),
  PB_HANDSHAKE_UPGRADE_MISSING: entry(
    426,
    'RFC 6455 §4.2.1',
    'this address speaks WebSocket: send Upgrade: websocket; a proxy on the way may have to be told to pass it on',
  ),
  PB_HANDSHAKE_UPGRADE_INVALID: entry(400, 'RFC 6455 §4.2.1', 'the Upgrade field does not name websocket properly'),
  PB_HANDSHAKE_CONNECTION: entry(
    400,
    'RFC 6455 §4.2.1',
    'the Connection field lacks the token Upgrade; a proxy on the way may have to be told to pass it on',
  ),
  PB_HANDSHAKE_VERSION_MISSING: entry(400, 'RFC 6455 §4.2.1', 'the Sec-WebSocket-Version field is missing'),
  PB_HANDSHAKE_VERSION_REPEATED: entry(
    400,
    'RFC 6455 §11.3.5',
    'the Sec-WebSocket-Version field is there more than once',
  ),
  PB_HANDSHAKE_VERSION_INVALID: entry(
    400,
    'RFC 6455 §4.3',
    'the Sec-WebSocket-Version field is not one number from 0 to 255',
  ),
  PB_HANDSHAKE_VERSION_UNSUPPORTED: entry(426, 'RFC 6455 §4.2.2', 'this server speaks version 13 of WebSocket'),
  PB_HANDSHAKE_KEY_MISSING: entry(400, 'RFC 6455 §4.2.1', 'the Sec-WebSocket-Key field is missing'),
  PB_HANDSHAKE_KEY_REPEATED: entry(400, 'RFC 6455 §11.3.1', 'the Sec-WebSocket-Key field is there more than once'),
  PB_HANDSHAKE_KEY_INVALID: entry(400, 'RFC 6455 §4.2.1', 'the Sec-WebSocket-Key field is not 16 bytes in base64'),
  PB_HANDSHAKE_SUBPROTOCOLS_INVALID: entry(
    400,
    'RFC 6455 §4.3',
    'the Sec-WebSocket-Protocol field is not a list of tokens',
  ),
  PB_HANDSHAKE_SUBPROTOCOLS_REPEATED: entry(
    400,
    'RFC 6455 §4.1',
    'the Sec-WebSocket-Protocol field names a subprotocol twice',
  ),
  PB_HANDSHAKE_EXTENSIONS_INVALID: entry(
    400,
    'RFC 6455 §9.1',
    'the Sec-WebSocket-Extensions field is not a list of extensions',
  ),
  PB_HANDSHAKE_ORIGIN_REPEATED: entry(400, 'RFC 6454 §7.3', 'the Origin field is there more than once'),
  PB_HANDSHAKE_ORIGIN_FORBIDDEN: entry(403, 'RFC 6455 §10.2', 'pages of this origin may not connect here'),
  PB_HANDSHAKE_AUTHORIZATION_REPEATED: entry(
    400,
    'RFC 9110 §11.6.2',
    'the Authorization field is there more than once',
  ),
  PB_HANDSHAKE_UNAUTHENTICATED: entry(401, 'RFC 6455 §4.2.2', 'credentials are missing or not valid'),
  PB_HANDSHAKE_FORBIDDEN: entry(403, 'RFC 9110 §15.5.4', 'this client may not connect here'),
  PB_HANDSHAKE_REFUSED: entry(403, 'RFC 6455 §4.2.2', 'the application refused the connection'),
  PB_HANDSHAKE_NO_SUCH_PATH: entry(404, 'RFC 6455 §4.2.2', 'there is no WebSocket at this path'),
  PB_HANDSHAKE_TIMEOUT: passing(408, 'RFC 9110 §15.5.9', 'the handshake did not arrive in time'),
  PB_HANDSHAKE_AUTHORIZE_FAILED: passing(500, 'RFC 9110 §15.6.1', 'the application failed to decide on the connection'),
  PB_HANDSHAKE_AUTHORIZE_TIMEOUT: passing(
    503,
    'RFC 9110 §15.6.4',
    'the application did not decide on the connection in time',
  ),
  PB_HANDSHAKE_SERVER_FULL: passing(503, 'RFC 9110 §15.6.4', 'the server has as many connections as it may have'),
  PB_HANDSHAKE_PATH_FULL: passing(503, 'RFC 9110 §15.6.4', 'this path has as many connections as it may have'),
  PB_HANDSHAKE_ADDRESS_FULL: passing(
    503,
    'RFC 9110 §15.6.4',
    'this address has as many connections as an address may have',
  ),
  PB_HANDSHAKE_MEMORY: passing(503, 'RFC 9110 §15.6.4', 'the memory for the buffers of connections is used up'),
  PB_HANDSHAKE_DRAINING: passing(503, 'RFC 9110 §15.6.4', 'the server is shutting down'),
};
