import { MAX_CONTROL_PAYLOAD, type MessageOpcode, OPCODE_CONTINUATION, type ControlOpcode } from './opcodes.ts';
import type { Platform } from './platform.ts';

/** Bits of a frame's first byte (RFC 6455 §5.2). */
export const FIN = 0x80;
/** On the first frame of a compressed message (RFC 7692 §6). */
export const RSV1 = 0x40;

const MASK = 0x80;

/** At hand: to look it up in a view each time takes longer than to set a few bytes. */
const { set } = Uint8Array.prototype;

/** Most bytes that a frame header takes: two, eight of length, four of masking key. */
export const MAX_HEADER = 14;

/** How many bytes the header of a frame takes, without a masking key: 2, 4 or 10. */
export function headerLength(payloadLength: number): number {
  return payloadLength < 126 ? 2 : payloadLength < 65536 ? 4 : 10;
}

/**
 * Writes a frame header without masking key, its length in the shortest form (RFC 6455 §5.2).
 * @param first FIN, RSV1 and opcode
 * @param maskBit 0x80 where a masking key follows
 * @returns the position after the header
 */
export function writeHeader(
  target: Uint8Array,
  at: number,
  first: number,
  payloadLength: number,
  maskBit: number,
): number {
  target[at] = first;
  if (payloadLength < 126) {
    target[at + 1] = maskBit | payloadLength;
    return at + 2;
  }
  if (payloadLength < 65536) {
    target[at + 1] = maskBit | 126;
    target[at + 2] = payloadLength >>> 8;
    target[at + 3] = payloadLength;
    return at + 4;
  }
  target[at + 1] = maskBit | 127;
  const high = Math.floor(payloadLength / 0x1_0000_0000);
  target[at + 2] = high >>> 24;
  target[at + 3] = high >>> 16;
  target[at + 4] = high >>> 8;
  target[at + 5] = high;
  target[at + 6] = payloadLength >>> 24;
  target[at + 7] = payloadLength >>> 16;
  target[at + 8] = payloadLength >>> 8;
  target[at + 9] = payloadLength;
  return at + 10;
}

/** Random bytes are fetched this many at a time: one call for 2,048 frames. */
const KEY_POOL_BYTES = 8192;

/**
 * Masking keys for a client's frames: each from a cryptographically secure generator and used once, so that nobody
 * who chooses the payload can choose the bytes on the wire (RFC 6455 §5.3, §10.3).
 */
export class MaskingKeys {
  private readonly platform: Platform;
  private readonly pool: Uint8Array = new Uint8Array(KEY_POOL_BYTES);
  private used: number = KEY_POOL_BYTES;

  constructor(platform: Platform) {
    this.platform = platform;
  }

  /** Writes a fresh key at `at` and masks with it what lies behind, from `at` + 4 to `end`. */
  mask(target: Uint8Array, at: number, end: number): void {
    this.platform.mask(target, at + 4, end, this.write(target, at));
  }

  /** Writes a fresh key at `at` and returns it as {@link Platform.mask} takes it. */
  write(target: Uint8Array, at: number): number {
    if (this.used === KEY_POOL_BYTES) {
      this.platform.randomFill(this.pool);
      this.used = 0;
    }
    const { pool, used } = this;
    this.used = used + 4;
    let key = 0;
    for (let i = 0; i < 4; i++) {
      const byte = pool[used + i]!;
      // A key is never handed out twice, nor left in memory for the next bug to disclose.
      pool[used + i] = 0;
      target[at + i] = byte;
      key |= byte << (8 * i);
    }
    return key;
  }
}

/**
 * Writes one frame, payload included; `target` must have room for {@link MAX_HEADER} bytes and the payload.
 * @param masks for a client's frames; null for a server's, which are not masked (RFC 6455 §5.1)
 * @returns the position after the frame
 */
export function writeFrame(
  target: Uint8Array,
  at: number,
  first: number,
  payload: Uint8Array,
  masks: MaskingKeys | null,
): number {
  const header = writeHeader(target, at, first, payload.length, masks === null ? 0 : MASK);
  const body = masks === null ? header : header + 4;
  const end = body + payload.length;
  set.call(target, payload, body);
  if (masks !== null) masks.mask(target, header, end);
  return end;
}

/** One message as a frame, or as several of at most `fragmentSize` (1 or more) payload bytes each (RFC 6455 §5.4). */
export function encodeMessage(
  opcode: MessageOpcode,
  compressed: boolean,
  payload: Uint8Array,
  masks: MaskingKeys | null,
  fragmentSize: number = Infinity,
): Uint8Array {
  const frames = Math.max(1, Math.ceil(payload.length / fragmentSize));
  const target = new Uint8Array(payload.length + frames * MAX_HEADER);
  let at = 0;
  for (let i = 0; i < frames; i++) {
    const isFirst = i === 0;
    const isLast = i === frames - 1;
    const part = frames === 1 ? payload : payload.subarray(i * fragmentSize, (i + 1) * fragmentSize);
    const first = (isLast ? FIN : 0) | (isFirst && compressed ? RSV1 : 0) | (isFirst ? opcode : OPCODE_CONTINUATION);
    at = writeFrame(target, at, first, part, masks);
  }
  return target.subarray(0, at);
}

/** A control frame; `payload` has at most 125 bytes (RFC 6455 §5.5), which the caller has checked. */
export function encodeControl(opcode: ControlOpcode, payload: Uint8Array, masks: MaskingKeys | null): Uint8Array {
  const target = new Uint8Array(MAX_HEADER + payload.length);
  return target.subarray(0, writeFrame(target, 0, FIN | opcode, payload, masks));
}

/**
 * The body of a close frame (RFC 6455 §5.5.1): empty without a code; else the code and as much of the reason as fits
 * into 123 bytes, cut between characters.
 */
export function encodeCloseBody(code: number | undefined, reason: string, platform: Platform): Uint8Array {
  if (code === undefined) return new Uint8Array(0);
  // Three bytes for each UTF-16 unit are always enough; no more than 123 units can fit.
  const text = reason.slice(0, MAX_CONTROL_PAYLOAD - 2);
  const body = new Uint8Array(2 + 3 * text.length);
  body[0] = code >>> 8;
  body[1] = code;
  let end = 2 + platform.encodeUtf8(text, body, 2);
  if (end > MAX_CONTROL_PAYLOAD) {
    end = MAX_CONTROL_PAYLOAD;
    // Not inside a character: a continuation byte at the cut means that its first byte goes too.
    while ((body[end]! & 0xc0) === 0x80) end--;
  }
  return body.subarray(0, end);
}
