import { VIOLATIONS, type Violation, type ViolationCode } from '../protocol/violations.ts';

/** The stable code of a failure that is no violation of the protocol. */
export type ConnectionFailureCode =
  | 'PB_SLOW_CONSUMER'
  | 'PB_MESSAGE_TIMEOUT'
  | 'PB_IDLE_TIMEOUT'
  | 'PB_PONG_TIMEOUT'
  | 'PB_CLOSE_TIMEOUT'
  | 'PB_STREAM_FAILED'
  | 'PB_STREAM_ENDED'
  | 'PB_HANDLER_FAILED'
  | 'PB_TERMINATED'
  | 'PB_SEND_ABORTED'
  | 'PB_VALUE_INVALID';

const failure = (closeCode: number, section: string, retry: boolean, message: string): Violation => ({
  closeCode,
  section,
  retry,
  message,
});

/**
 * What can end a connection beside a violation of the protocol. `closeCode` 1006 is never sent: it stands for a
 * connection that ended without a closing handshake.
 */
export const CONNECTION_ERRORS: Readonly<Record<ConnectionFailureCode, Violation>> = {
  PB_SLOW_CONSUMER: failure(1013, 'RFC 6455 §7.4.1', true, 'the peer does not read what is sent to it'),
  PB_MESSAGE_TIMEOUT: failure(1008, 'RFC 6455 §10.4', true, 'the message was not completed in time'),
  PB_IDLE_TIMEOUT: failure(1001, 'RFC 6455 §7.4.1', true, 'no message came for too long'),
  PB_PONG_TIMEOUT: failure(1006, 'RFC 6455 §5.5.3', true, 'no answer came to a ping'),
  PB_CLOSE_TIMEOUT: failure(1006, 'RFC 6455 §7.1.1', true, 'the closing handshake was not completed in time'),
  PB_STREAM_FAILED: failure(1006, 'RFC 6455 §7.1.7', true, 'the network connection failed'),
  PB_STREAM_ENDED: failure(
    1006,
    'RFC 6455 §7.1.5',
    true,
    'the peer ended the network connection without a close frame',
  ),
  PB_HANDLER_FAILED: failure(1011, 'RFC 6455 §7.4.1', true, 'the application failed while handling a message'),
  PB_TERMINATED: failure(1006, 'RFC 6455 §7.1.5', true, 'the application cut the connection with terminate()'),
  PB_SEND_ABORTED: failure(1011, 'RFC 6455 §5.4', true, 'a message that was being sent in parts was given up'),
  PB_VALUE_INVALID: failure(1007, 'RFC 6455 §7.4.1', false, 'the message is not what the codec or the schema wants'),
};

/** What a caller of this library can do wrong. Thrown, never sent. */
export const USAGE_ERRORS = {
  PB_OPTION_INVALID: 'an option has a value that it cannot have',
  PB_DATA_TYPE: 'data to send is neither a string nor bytes',
  PB_CLOSE_CODE_INVALID: 'a close code that must not be sent',
  PB_CLOSE_REASON_TOO_LONG: 'a close reason of more than 123 bytes of UTF-8',
  PB_CONTROL_TOO_LONG_TO_SEND: 'a ping of more than 125 bytes',
  PB_RECEIVE_MODE: 'how a connection receives was chosen twice, or too late',
  PB_MESSAGE_SKIPPED: 'the rest of a message that was skipped, as the next one was asked for',
  PB_CONNECTION_CLOSED: 'the connection is closed',
  PB_SERVER_CLOSED: 'the server is closing, or closed: make a new one',
} as const;

export type ConnectionErrorCode = ViolationCode | ConnectionFailureCode;
export type UsageErrorCode = keyof typeof USAGE_ERRORS;

/** Why a connection failed. `code` is stable; `closeCode` is what the peer was told, or 1006. */
export class WebSocketError extends Error {
  override readonly name = 'WebSocketError';
  readonly code: ConnectionErrorCode;
  readonly closeCode: number;
  /** Where it is written, such as `RFC 6455 §5.2`. */
  readonly section: string;
  /** Whether the same peer may succeed by trying again unchanged. */
  readonly retry: boolean;

  constructor(code: ConnectionErrorCode, options?: { detail?: string; cause?: unknown }) {
    const entry: Violation =
      code in VIOLATIONS ? VIOLATIONS[code as ViolationCode] : CONNECTION_ERRORS[code as ConnectionFailureCode];
    super(
      options?.detail === undefined ? entry.message : `${entry.message}: ${options.detail}`,
      options?.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.closeCode = entry.closeCode;
    this.section = entry.section;
    this.retry = entry.retry;
  }
}

/** A call that cannot be carried out as it is. The message names the value, what is allowed, and the remedy. */
export class UsageError extends TypeError {
  override readonly name = 'UsageError';
  readonly code: UsageErrorCode;

  constructor(code: UsageErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
