import { isValidCloseCode } from './close-codes.ts';
import type { FrameSink } from './frame-sink.ts';
import { rotateKey } from './mask.ts';
import { type ControlOpcode, MAX_CONTROL_PAYLOAD, type MessageOpcode, OPCODE_CLOSE, type Role } from './opcodes.ts';
import type { Platform } from './platform.ts';
import { advanceUtf8, UTF8_ACCEPT, UTF8_REJECT } from './utf8.ts';
import type { ViolationCode } from './violations.ts';

/** What a receiver allows. */
export interface ReceiverLimits {
  /**
   * Most bytes of a message, before and after inflating: 0 to 2^53 - 1. Fragments count together, each after the first
   * with {@link FRAGMENT_OVERHEAD} bytes more than it carries.
   */
  readonly maxMessageSize: number;
  /** Most frames that a message may consist of, empty ones included; at least 1. */
  readonly maxFragments: number;
}

/**
 * What every fragment after the first is charged against `maxMessageSize`, beside its payload: a frame costs work
 * even where it carries nothing.
 */
export const FRAGMENT_OVERHEAD = 16;

/** Text up to this length that is not ASCII is checked by our own table; above, the platform is faster. */
const OWN_UTF8_CHECK_UP_TO = 48;

const FIN = 0x80;
const RSV1 = 0x40;
const RSV2_RSV3 = 0x30;
const MASK = 0x80;

// What the next byte is. END and BEGIN need no byte: they are where a stopped receiver goes on.
const HEADER = 0;
const BEGIN = 1;
const PAYLOAD = 2;
const END = 3;
const CONTROL = 4;
const DEAD = 5;

/**
 * Reads frames (RFC 6455 §5) from bytes that may be cut anywhere and tells a {@link FrameSink} what they say. Pure:
 * it holds no message, only where it stands in the one that is arriving.
 */
export class FrameReceiver {
  private sink: FrameSink;
  private readonly platform: Platform;
  private readonly limits: ReceiverLimits;
  /** The mask bit as every frame from the peer must have it (RFC 6455 §5.1). */
  private readonly maskBit: number;
  /** RSV1 where permessage-deflate was agreed on, else 0. */
  private allowedBits: number;

  private phase = HEADER;

  // The frame whose header or payload is arriving.
  private headerRead = 0;
  private first = 0;
  private second = 0;
  private remaining = 0;
  private key = 0;

  // The message that is arriving; opcode 0 between messages.
  private messageOpcode = 0;
  private compressed = false;
  private charged = 0;
  private fragments = 0;
  private utf8 = UTF8_ACCEPT;

  /** Payload of a control frame that was cut; its length so far. */
  private control: Uint8Array | null = null;
  private controlLength = 0;

  /** @param deflate permessage-deflate was agreed on, so RSV1 marks a compressed message (RFC 7692 §6) */
  constructor(sink: FrameSink, role: Role, limits: ReceiverLimits, platform: Platform, deflate: boolean) {
    this.sink = sink;
    this.platform = platform;
    this.limits = limits;
    this.maskBit = role === 'server' ? MASK : 0;
    this.allowedBits = deflate ? RSV1 : 0;
  }

  /**
   * Goes on with another connection. Only between two pushes, and where {@link isIdle}: then nothing of the old one is
   * left, and ten thousand silent connections need no receiver at all.
   */
  serve(sink: FrameSink, deflate: boolean): void {
    this.sink = sink;
    this.allowedBits = deflate ? RSV1 : 0;
  }

  /** Callbacks may have terminated it; a getter, so that nothing before the call is taken to hold after it. */
  private get isDead(): boolean {
    return this.phase === DEAD;
  }

  /** Between two messages, with nothing of the next frame read. */
  get isIdle(): boolean {
    return this.phase === HEADER && this.headerRead === 0 && this.messageOpcode === 0;
  }

  /**
   * Takes the bytes from `start` to `end`, which it changes (unmasking in place).
   * @returns up to where it took them: `end`, or less after the sink said STOP. The rest is pushed again later, by a
   * call that may also be empty. After a violation or {@link terminate} nothing is taken.
   */
  push(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    for (;;) {
      switch (this.phase) {
        case HEADER: {
          if (this.headerRead === 0) {
            at = this.takeWholeMessages(bytes, at, end);
            // The sink stopped, or everything was taken.
            if (at < 0) return ~at;
          }
          at = this.readHeader(bytes, at, end);
          if (this.phase === HEADER) return at;
          break;
        }
        case BEGIN:
          if (!this.begin()) return at;
          break;
        case PAYLOAD: {
          if (at === end) return at;
          const until = Math.min(end, at + this.remaining);
          if (!this.takePayload(bytes, at, until)) return this.isDead ? at : until;
          at = until;
          break;
        }
        case END:
          if (!this.end()) return at;
          break;
        case CONTROL: {
          const until = Math.min(end, at + this.remaining);
          if (until === at && this.remaining > 0) return at;
          if (!this.takeControl(bytes, at, until)) return this.isDead ? at : until;
          at = until;
          break;
        }
        default:
          return at;
      }
    }
  }

  /** Takes nothing more and calls the sink no more, from inside a callback too. */
  terminate(): void {
    this.phase = DEAD;
    this.control = null;
  }

  /**
   * The inner path: messages of one frame that lie whole in the chunk. Everything else, all violations included, is
   * left to the general path, which decides byte by byte.
   * @returns the position of the first byte that is not for this path, or its complement when there is nothing to do
   */
  private takeWholeMessages(bytes: Uint8Array, start: number, end: number): number {
    const { sink, platform, maskBit, allowedBits } = this;
    const maxMessageSize = this.limits.maxMessageSize;
    const headerMask = maskBit === 0 ? 0 : 4;
    let at = start;
    while (end - at >= 2) {
      const first = bytes[at]!;
      const opcode = first & 0x0f;
      if ((first & ~allowedBits) !== (FIN | opcode) || (opcode !== 1 && opcode !== 2) || this.messageOpcode !== 0) {
        return at;
      }
      const second = bytes[at + 1]!;
      if ((second & MASK) !== maskBit) return at;
      let length = second & 0x7f;
      let payload = at + 2 + headerMask;
      if (length >= 126) {
        if (length === 127 || end - at < 4) return at;
        length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
        if (length < 126) return at;
        payload += 2;
      }
      const next = payload + length;
      if (next > end || length > maxMessageSize) return at;

      const compressed = (first & RSV1) !== 0;
      let ascii = false;
      if (maskBit !== 0) {
        const key =
          bytes[payload - 4]! | (bytes[payload - 3]! << 8) | (bytes[payload - 2]! << 16) | (bytes[payload - 1]! << 24);
        ascii = (platform.mask(bytes, payload, next, key) & 0x80808080) === 0;
      } else if (opcode === 1 && !compressed) {
        // The key 0 changes nothing; where it finds ASCII, nothing else has to be looked for.
        ascii = (platform.mask(bytes, payload, next, 0) & 0x80808080) === 0;
      }
      if (opcode === 1 && !ascii && !compressed && !this.isUtf8(bytes, payload, next)) {
        this.fail('PB_TEXT_INVALID_UTF8');
        return ~at;
      }
      at = next;
      if (!sink.onMessage(opcode as MessageOpcode, compressed, ascii, bytes, payload, next) || this.isDead) {
        return ~at;
      }
    }
    return at === end ? ~at : at;
  }

  private isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
    return end - start <= OWN_UTF8_CHECK_UP_TO
      ? advanceUtf8(UTF8_ACCEPT, bytes, start, end) === UTF8_ACCEPT
      : this.platform.isUtf8(bytes, start, end);
  }

  /** Takes header bytes, one by one: a header has at most 14, and may be cut between any two. */
  private readHeader(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const byte = bytes[at++]!;
      const position = this.headerRead++;
      if (position === 0) {
        this.first = byte;
        continue;
      }
      if (position === 1) {
        this.second = byte;
        this.key = 0;
        const violation = this.checkStart(this.first, byte);
        if (violation !== null) {
          this.fail(violation);
          return at;
        }
        this.remaining = this.lengthBytes() === 0 ? byte & 0x7f : 0;
      } else if (position < 2 + this.lengthBytes()) {
        // Above 2^53 the sum is no longer exact, but stays above: begin() refuses it.
        this.remaining = this.remaining * 256 + byte;
      } else {
        this.key |= byte << (8 * (position - 2 - this.lengthBytes()));
      }
      if (this.headerRead === 2 + this.lengthBytes() + (this.maskBit === 0 ? 0 : 4)) {
        this.headerRead = 0;
        this.phase = BEGIN;
        return at;
      }
    }
    return at;
  }

  /** How many bytes of extended payload length follow the second byte. */
  private lengthBytes(): number {
    const short = this.second & 0x7f;
    return short < 126 ? 0 : short === 126 ? 2 : 8;
  }

  /** Everything that the first two bytes can do wrong. */
  private checkStart(first: number, second: number): ViolationCode | null {
    const opcode = first & 0x0f;
    const isControl = opcode >= 0x8;
    // RFC 7692 §6.1: RSV1 stands on the first frame of a message only.
    const allowed = opcode === 0 || isControl ? 0 : this.allowedBits;
    if ((first & (RSV1 | RSV2_RSV3) & ~allowed) !== 0) return 'PB_FRAME_RESERVED_BITS';
    if ((opcode > 0x2 && opcode < 0x8) || opcode > 0xa) return 'PB_FRAME_RESERVED_OPCODE';
    if ((second & MASK) !== this.maskBit) return this.maskBit === 0 ? 'PB_FRAME_MASKED' : 'PB_FRAME_NOT_MASKED';
    if (isControl) {
      if ((first & FIN) === 0) return 'PB_CONTROL_FRAGMENTED';
      if ((second & 0x7f) > MAX_CONTROL_PAYLOAD) return 'PB_CONTROL_TOO_LONG';
    } else if (opcode === 0) {
      if (this.messageOpcode === 0) return 'PB_FRAGMENT_UNEXPECTED';
    } else if (this.messageOpcode !== 0) {
      return 'PB_FRAGMENT_INTERLEAVED';
    }
    return null;
  }

  /** The header is complete: checks the length, and opens the message where this is its first frame. */
  private begin(): boolean {
    const opcode = this.first & 0x0f;
    if (opcode >= 0x8) {
      this.phase = CONTROL;
      this.controlLength = 0;
      return true;
    }
    const violation = this.checkLength();
    if (violation !== null) return this.fail(violation);
    this.phase = this.remaining === 0 ? END : PAYLOAD;
    if (opcode === 0) return true;
    this.messageOpcode = opcode;
    this.compressed = (this.first & RSV1) !== 0;
    this.utf8 = UTF8_ACCEPT;
    return this.sink.onMessageStart(opcode as MessageOpcode, this.compressed, this.remaining);
  }

  /** Charges the frame to its message. Compares before it adds: no sum can pass the limit unseen. */
  private checkLength(): ViolationCode | null {
    const length = this.remaining;
    const lengthBytes = this.lengthBytes();
    if ((lengthBytes === 2 && length < 126) || (lengthBytes === 8 && length < 65536)) {
      return 'PB_FRAME_LENGTH_NOT_MINIMAL';
    }
    if (length > Number.MAX_SAFE_INTEGER) return 'PB_FRAME_LENGTH_TOO_LARGE';
    const { maxFragments } = this.limits;
    const isFirst = this.messageOpcode === 0;
    if (isFirst) {
      this.charged = 0;
      this.fragments = 0;
    }
    if (this.fragments >= maxFragments) return 'PB_MESSAGE_TOO_MANY_FRAGMENTS';
    const overhead = isFirst ? 0 : FRAGMENT_OVERHEAD;
    const compressed = isFirst ? (this.first & RSV1) !== 0 : this.compressed;
    const left = largestOnWire(this.limits.maxMessageSize, compressed) - this.charged;
    if (overhead > left || length > left - overhead) return 'PB_MESSAGE_TOO_BIG';
    this.charged += length + overhead;
    this.fragments++;
    return null;
  }

  private takePayload(bytes: Uint8Array, start: number, end: number): boolean {
    let ascii = false;
    if (this.maskBit !== 0) {
      ascii = (this.platform.mask(bytes, start, end, this.key) & 0x80808080) === 0;
      this.key = rotateKey(this.key, end - start);
    }
    if (this.messageOpcode === 1 && !this.compressed && !(ascii && this.utf8 === UTF8_ACCEPT)) {
      this.utf8 = advanceUtf8(this.utf8, bytes, start, end);
      if (this.utf8 === UTF8_REJECT) return this.fail('PB_TEXT_INVALID_UTF8');
    }
    this.remaining -= end - start;
    if (this.remaining === 0) this.phase = END;
    return this.sink.onMessageData(bytes, start, end);
  }

  /** The frame is complete, and with it the message where this was the last one. */
  private end(): boolean {
    this.phase = HEADER;
    if ((this.first & FIN) === 0) return true;
    // Compressed text is not looked at here: its state never moved.
    if (this.utf8 !== UTF8_ACCEPT) return this.fail('PB_TEXT_INVALID_UTF8');
    this.messageOpcode = 0;
    return this.sink.onMessageEnd();
  }

  private takeControl(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.maskBit !== 0) {
      this.platform.mask(bytes, start, end, this.key);
      this.key = rotateKey(this.key, end - start);
    }
    const length = end - start;
    const isWhole = length === this.remaining;
    if (isWhole && this.controlLength === 0) return this.endControl(bytes, start, end);
    const control = (this.control ??= new Uint8Array(MAX_CONTROL_PAYLOAD));
    control.set(bytes.subarray(start, end), this.controlLength);
    this.controlLength += length;
    this.remaining -= length;
    return isWhole ? this.endControl(control, 0, this.controlLength) : true;
  }

  private endControl(bytes: Uint8Array, start: number, end: number): boolean {
    const opcode = (this.first & 0x0f) as ControlOpcode;
    this.phase = HEADER;
    this.control = null;
    if (opcode === OPCODE_CLOSE) {
      const violation = checkClose(bytes, start, end);
      if (violation !== null) return this.fail(violation);
    }
    return this.sink.onControl(opcode, bytes, start, end);
  }

  private fail(code: ViolationCode): false {
    this.terminate();
    this.sink.onViolation(code);
    return false;
  }
}

/**
 * DEFLATE makes what it cannot compress a little larger: five bytes for each stored block, and encoders exist that
 * store blocks of a few kilobytes. What comes out is held to the limit itself while inflating.
 */
function largestOnWire(maxMessageSize: number, compressed: boolean): number {
  return compressed ? maxMessageSize + Math.ceil(maxMessageSize / 1024) + 64 : maxMessageSize;
}

/** RFC 6455 §5.5.1: no body at all, or a code of two bytes that may be sent, and a reason in UTF-8. */
function checkClose(bytes: Uint8Array, start: number, end: number): ViolationCode | null {
  if (start === end) return null;
  if (end - start === 1) return 'PB_CLOSE_LENGTH';
  if (!isValidCloseCode((bytes[start]! << 8) | bytes[start + 1]!)) return 'PB_CLOSE_CODE';
  return advanceUtf8(UTF8_ACCEPT, bytes, start + 2, end) === UTF8_ACCEPT ? null : 'PB_CLOSE_REASON';
}
