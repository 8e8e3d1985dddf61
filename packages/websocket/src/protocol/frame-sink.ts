import type { ControlOpcode, MessageOpcode } from './opcodes.ts';
import type { ViolationCode } from './violations.ts';

/** What a sink answers to every call: go on, or stop so that the rest of the bytes is pushed again later. */
export const CONTINUE = true;
export const STOP = false;
export type Flow = boolean;

/**
 * What a {@link FrameReceiver} calls. `bytes` between `start` and `end` are valid only during the call: the receiver
 * unmasked them in place, and the memory is used again for the next read.
 *
 * A message comes either whole, as one `onMessage`, or as `onMessageStart`, any number of `onMessageData` and
 * `onMessageEnd`, between which control frames may come. Whole is only what is one frame that lies in one chunk, and
 * of such a frame the receiver may still decide otherwise (it does where the length takes eight bytes): a sink must
 * take every message both ways. Of a text that turns out not to be UTF-8 nothing, or some of its valid beginning, was
 * handed out before.
 * Nothing is called after `onViolation`, nor after a {@link FrameReceiver.terminate}.
 */
export interface FrameSink {
  /**
   * A whole message.
   * @param ascii the receiver saw that every byte is below 0x80 (false where it did not look)
   */
  onMessage(
    opcode: MessageOpcode,
    compressed: boolean,
    ascii: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Flow;

  /**
   * The first frame of a message that comes in parts.
   * @param length payload bytes of this frame, 0 to 2^53 - 1; the message has more if it is fragmented
   */
  onMessageStart(opcode: MessageOpcode, compressed: boolean, length: number): Flow;

  /** Some bytes of the message that began last. Text that is not compressed was checked as UTF-8 so far. */
  onMessageData(bytes: Uint8Array, start: number, end: number): Flow;

  /** The message that began last is complete; as text it is valid UTF-8, unless it is compressed. */
  onMessageEnd(): Flow;

  /** A control frame, 0 to 125 bytes. A close frame was checked: no body, or a valid code and UTF-8 reason. */
  onControl(opcode: ControlOpcode, bytes: Uint8Array, start: number, end: number): Flow;

  /** The peer broke the protocol or a limit. The receiver takes no more bytes. */
  onViolation(code: ViolationCode): void;
}
