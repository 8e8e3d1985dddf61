/** The stable code of a violation. It never changes meaning and is never used again for something else. */
export type ViolationCode =
  | 'PB_FRAME_RESERVED_BITS'
  | 'PB_FRAME_RESERVED_OPCODE'
  | 'PB_FRAME_NOT_MASKED'
  | 'PB_FRAME_MASKED'
  | 'PB_FRAME_LENGTH_NOT_MINIMAL'
  | 'PB_FRAME_LENGTH_TOO_LARGE'
  | 'PB_CONTROL_FRAGMENTED'
  | 'PB_CONTROL_TOO_LONG'
  | 'PB_FRAGMENT_UNEXPECTED'
  | 'PB_FRAGMENT_INTERLEAVED'
  | 'PB_CLOSE_LENGTH'
  | 'PB_CLOSE_CODE'
  | 'PB_CLOSE_REASON'
  | 'PB_TEXT_INVALID_UTF8'
  | 'PB_MESSAGE_TOO_BIG'
  | 'PB_MESSAGE_TOO_MANY_FRAGMENTS'
  | 'PB_DEFLATE_INVALID';

/** One way in which a peer can break the protocol or a limit, as the receiver reports it. */
export interface Violation {
  /** The close code that the connection is failed with. */
  readonly closeCode: number;
  /** Where it is written. */
  readonly section: string;
  /** Whether the same peer may succeed by trying again unchanged. */
  readonly retry: boolean;
  /** What happened, in a sentence without values; also the reason in the close frame (at most 123 bytes). */
  readonly message: string;
}

const violation = (closeCode: number, section: string, message: string): Violation => ({
  closeCode,
  section,
  retry: false,
  message,
});

/** Every violation that a {@link FrameReceiver} or an inflater reports. */
export const VIOLATIONS: Readonly<Record<ViolationCode, Violation>> = {
  PB_FRAME_RESERVED_BITS: violation(1002, 'RFC 6455 §5.2', 'a reserved bit is set that no extension defines'),
  PB_FRAME_RESERVED_OPCODE: violation(1002, 'RFC 6455 §5.2', 'the frame has a reserved opcode'),
  PB_FRAME_NOT_MASKED: violation(1002, 'RFC 6455 §5.1', 'a frame from a client must be masked'),
  PB_FRAME_MASKED: violation(1002, 'RFC 6455 §5.1', 'a frame from a server must not be masked'),
  PB_FRAME_LENGTH_NOT_MINIMAL: violation(1002, 'RFC 6455 §5.2', 'the payload length is not in its shortest form'),
  PB_FRAME_LENGTH_TOO_LARGE: violation(1009, 'RFC 6455 §5.2', 'the payload length is above 2^53 - 1'),
  PB_CONTROL_FRAGMENTED: violation(1002, 'RFC 6455 §5.5', 'a control frame must not be fragmented'),
  PB_CONTROL_TOO_LONG: violation(1002, 'RFC 6455 §5.5', 'a control frame carries at most 125 bytes'),
  PB_FRAGMENT_UNEXPECTED: violation(1002, 'RFC 6455 §5.4', 'a continuation frame without a message to continue'),
  PB_FRAGMENT_INTERLEAVED: violation(1002, 'RFC 6455 §5.4', 'a new message began inside a fragmented one'),
  PB_CLOSE_LENGTH: violation(1002, 'RFC 6455 §5.5.1', 'the body of a close frame is empty or at least two bytes'),
  PB_CLOSE_CODE: violation(1002, 'RFC 6455 §7.4', 'the close frame has a code that must not be sent'),
  PB_CLOSE_REASON: violation(1007, 'RFC 6455 §5.5.1', 'the reason in the close frame is not valid UTF-8'),
  PB_TEXT_INVALID_UTF8: violation(1007, 'RFC 6455 §8.1', 'a text message is not valid UTF-8'),
  PB_MESSAGE_TOO_BIG: violation(1009, 'RFC 6455 §7.4.1', 'the message is larger than the limit'),
  PB_MESSAGE_TOO_MANY_FRAGMENTS: violation(1008, 'RFC 6455 §10.4', 'the message has more fragments than the limit'),
  PB_DEFLATE_INVALID: violation(1007, 'RFC 7692 §7.2.2', 'the compressed message is not valid DEFLATE data'),
};
