/** The stable code of a fault in an answer. */
export type AnswerFaultCode =
  | 'PB_ANSWER_STATUS'
  | 'PB_ANSWER_NOT_HTTP'
  | 'PB_ANSWER_ENDED'
  | 'PB_ANSWER_TIMEOUT'
  | 'PB_ANSWER_FIELD_INVALID'
  | 'PB_ANSWER_TOO_MANY_FIELDS'
  | 'PB_ANSWER_FIELDS_TOO_LARGE'
  | 'PB_ANSWER_UPGRADE'
  | 'PB_ANSWER_CONNECTION'
  | 'PB_ANSWER_ACCEPT_MISSING'
  | 'PB_ANSWER_ACCEPT_REPEATED'
  | 'PB_ANSWER_ACCEPT_WRONG'
  | 'PB_ANSWER_SUBPROTOCOL_REPEATED'
  | 'PB_ANSWER_SUBPROTOCOL_UNEXPECTED'
  | 'PB_ANSWER_SUBPROTOCOL_MISSING'
  | 'PB_ANSWER_EXTENSIONS_INVALID'
  | 'PB_ANSWER_EXTENSION_UNEXPECTED'
  | 'PB_ANSWER_DEFLATE_INVALID';

/** One way in which a server's answer to the opening handshake can be wrong. */
export interface AnswerFaultEntry {
  /** Where it is written. */
  readonly section: string;
  /** Whether the same request may succeed when sent again unchanged. */
  readonly retry: boolean;
  /** What is wrong, in a sentence without values. */
  readonly message: string;
}

const fault = (section: string, message: string, retry = false): AnswerFaultEntry => ({ section, retry, message });

/** Every reason for which a client fails the connection over the server's answer. */
export const ANSWER_FAULTS: Readonly<Record<AnswerFaultCode, AnswerFaultEntry>> = {
  PB_ANSWER_STATUS: fault('RFC 6455 §4.1', 'the server did not answer 101, or 2xx over HTTP/2'),
  PB_ANSWER_NOT_HTTP: fault('RFC 9112 §4', 'what the server sent is no HTTP/1.1 answer'),
  PB_ANSWER_ENDED: fault('RFC 9112 §8', 'the server ended the connection before its answer was complete', true),
  PB_ANSWER_TIMEOUT: fault('RFC 6455 §4.1', 'the server gave no complete answer in time', true),
  PB_ANSWER_FIELD_INVALID: fault('RFC 9112 §5', 'a line of the header is malformed, or holds CR, LF or NUL'),
  PB_ANSWER_TOO_MANY_FIELDS: fault('RFC 6455 §10.7', 'the answer has more header fields than the limit'),
  PB_ANSWER_FIELDS_TOO_LARGE: fault('RFC 6455 §10.7', 'the header of the answer is larger than the limit'),
  PB_ANSWER_UPGRADE: fault('RFC 6455 §4.1', 'the Upgrade field is not websocket'),
  PB_ANSWER_CONNECTION: fault('RFC 6455 §4.1', 'the Connection field lacks the token Upgrade'),
  PB_ANSWER_ACCEPT_MISSING: fault('RFC 6455 §4.1', 'the Sec-WebSocket-Accept field is missing'),
  PB_ANSWER_ACCEPT_REPEATED: fault('RFC 6455 §11.3.3', 'the Sec-WebSocket-Accept field is there more than once'),
  PB_ANSWER_ACCEPT_WRONG: fault('RFC 6455 §4.1', 'the Sec-WebSocket-Accept field does not belong to our key'),
  PB_ANSWER_SUBPROTOCOL_REPEATED: fault('RFC 6455 §11.3.4', 'the Sec-WebSocket-Protocol field is there more than once'),
  PB_ANSWER_SUBPROTOCOL_UNEXPECTED: fault('RFC 6455 §4.1', 'the server chose a subprotocol that was not asked for'),
  PB_ANSWER_SUBPROTOCOL_MISSING: fault('RFC 6455 §1.9', 'the server chose none of the subprotocols asked for'),
  PB_ANSWER_EXTENSIONS_INVALID: fault('RFC 6455 §9.1', 'the Sec-WebSocket-Extensions field is malformed'),
  PB_ANSWER_EXTENSION_UNEXPECTED: fault('RFC 6455 §4.1', 'the server uses an extension that was not asked for'),
  PB_ANSWER_DEFLATE_INVALID: fault(
    'RFC 7692 §7',
    'the parameters of permessage-deflate are no answer to those offered',
  ),
};
