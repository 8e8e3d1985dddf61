import { Buffer, isUtf8 } from 'node:buffer';
import type { ViolationCode } from '#dist/protocol/violations.js';
import type { Receiving } from './deliver.ts';
import { concat, transform } from './frames.ts';
import { type NormalForm, startEvent } from './recording-sink.ts';

/**
 * An oracle for FrameReceiver: reads a whole stream at once, slowly, by the text of RFC 6455 §5 to §8, with arbitrary
 * precision, copies and no state kept between frames but the message. It shares no code with src/protocol.
 */
export function referenceParse(stream: Uint8Array, receiving: Receiving): NormalForm {
  const events: string[] = [];
  let rest = stream;
  let message = null as Message | null;
  let data = '';
  let tail = '';

  const flush = (): void => {
    if (data !== '') events.push(`data ${data}`);
    data = '';
  };
  const fail = (code: ViolationCode): NormalForm => {
    if (code === 'PB_TEXT_INVALID_UTF8') {
      tail = data;
      data = '';
      if (events.at(-1)?.startsWith('start') === true) events.pop();
    }
    flush();
    events.push(`violation ${code}`);
    return { events, tail };
  };

  for (;;) {
    const frame = readFrame(rest);
    if (frame === null) break;

    // §5.2, §5.5, §5.4: what the first two bytes must be.
    const wrong = checkBits(frame, receiving, message !== null);
    if (wrong !== null) return fail(wrong);
    if (!frame.headerComplete) break;

    if (frame.opcode >= 8) {
      if (frame.received.length < Number(frame.length)) break;
      if (frame.opcode === 8) {
        const badClose = checkClose(frame.received);
        if (badClose !== null) return fail(badClose);
      }
      flush();
      events.push(`${['close', 'ping', 'pong'][frame.opcode - 8]} ${hex(frame.received)}`);
      rest = rest.subarray(frame.size);
      continue;
    }

    // §5.2: the minimal number of bytes; the rest are limits (§10.4).
    if (frame.lengthBits === 16 && frame.length < 126n) return fail('PB_FRAME_LENGTH_NOT_MINIMAL');
    if (frame.lengthBits === 64 && frame.length < 0x10000n) return fail('PB_FRAME_LENGTH_NOT_MINIMAL');
    if (frame.length > 2n ** 53n - 1n) return fail('PB_FRAME_LENGTH_TOO_LARGE');
    const frames = (message?.frames ?? 0) + 1;
    if (frames > receiving.limits.maxFragments) return fail('PB_MESSAGE_TOO_MANY_FRAGMENTS');
    const charged = (message?.charged ?? 0n) + frame.length + (message === null ? 0n : 16n);
    if (charged > mostOnWire(receiving.limits.maxMessageSize, message?.compressed ?? frame.rsv1)) {
      return fail('PB_MESSAGE_TOO_BIG');
    }

    if (message === null) {
      message = { isText: frame.opcode === 1, compressed: frame.rsv1, frames, charged, payload: new Uint8Array(0) };
      flush();
      events.push(startEvent(frame.opcode, frame.rsv1));
    } else {
      message = { ...message, frames, charged };
    }

    // §8.1: as soon as a byte has come that no UTF-8 can have there.
    const before = message.payload.length;
    message.payload = concat(message.payload, frame.received);
    const checked = message.isText && !message.compressed;
    if (checked && !canBecomeUtf8(message.payload)) {
      data += hex(message.payload.subarray(before, validBeginning(message.payload)));
      return fail('PB_TEXT_INVALID_UTF8');
    }
    data += hex(frame.received);
    if (frame.received.length < Number(frame.length)) break;
    if (frame.fin) {
      if (checked && !isUtf8(message.payload)) return fail('PB_TEXT_INVALID_UTF8');
      flush();
      events.push('end');
      message = null;
    }
    rest = rest.subarray(frame.size);
  }
  flush();
  return { events, tail };
}

/** A compressed message may be a little larger than what it inflates to: one byte of 1,024, and 64. */
function mostOnWire(maxMessageSize: number, compressed: boolean): bigint {
  const limit = BigInt(maxMessageSize);
  return compressed ? limit + (limit + 1023n) / 1024n + 64n : limit;
}

interface Message {
  readonly isText: boolean;
  readonly compressed: boolean;
  readonly frames: number;
  readonly charged: bigint;
  payload: Uint8Array;
}

interface Frame {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly rsv2: boolean;
  readonly rsv3: boolean;
  readonly opcode: number;
  readonly masked: boolean;
  /** The seven bits of the second byte. */
  readonly shortLength: number;
  readonly lengthBits: 7 | 16 | 64;
  readonly headerComplete: boolean;
  readonly length: bigint;
  /** Unmasked payload, as much as there is. */
  readonly received: Uint8Array;
  /** Bytes of the stream that the whole frame takes. */
  readonly size: number;
}

/** Null where not even two bytes are there. */
function readFrame(stream: Uint8Array): Frame | null {
  const [first, second] = stream;
  if (first === undefined || second === undefined) return null;
  const bit = (byte: number, index: number): boolean => Math.floor(byte / 2 ** (7 - index)) % 2 === 1;
  const shortLength = second % 128;
  const lengthBits = shortLength === 126 ? 16 : shortLength === 127 ? 64 : 7;
  const masked = bit(second, 0);
  const lengthAt = 2;
  const keyAt = lengthAt + (lengthBits === 7 ? 0 : lengthBits / 8);
  const payloadAt = keyAt + (masked ? 4 : 0);
  const headerComplete = stream.length >= payloadAt;
  let length = BigInt(shortLength);
  let received: Uint8Array = new Uint8Array(0);
  if (headerComplete) {
    if (lengthBits !== 7) length = BigInt(`0x${hex(stream.subarray(lengthAt, keyAt))}`);
    const available = stream.subarray(payloadAt);
    received = available.subarray(0, length > BigInt(available.length) ? available.length : Number(length));
    if (masked) received = transform(received, stream.subarray(keyAt, payloadAt));
  }
  return {
    fin: bit(first, 0),
    rsv1: bit(first, 1),
    rsv2: bit(first, 2),
    rsv3: bit(first, 3),
    opcode: first % 16,
    masked,
    shortLength,
    lengthBits,
    headerComplete,
    length,
    received,
    size: payloadAt + received.length,
  };
}

function checkBits(frame: Frame, { role, deflate }: Receiving, insideMessage: boolean): ViolationCode | null {
  const { opcode } = frame;
  // RFC 7692 §6: RSV1 may be set on the first frame of a message, and there alone.
  const rsv1Allowed = deflate && opcode !== 0 && opcode < 8;
  if (frame.rsv2 || frame.rsv3 || (frame.rsv1 && !rsv1Allowed)) return 'PB_FRAME_RESERVED_BITS';
  if (![0, 1, 2, 8, 9, 10].includes(opcode)) return 'PB_FRAME_RESERVED_OPCODE';
  if (role === 'server' && !frame.masked) return 'PB_FRAME_NOT_MASKED';
  if (role === 'client' && frame.masked) return 'PB_FRAME_MASKED';
  if (opcode >= 8) {
    if (!frame.fin) return 'PB_CONTROL_FRAGMENTED';
    if (frame.shortLength > 125) return 'PB_CONTROL_TOO_LONG';
  } else if (opcode === 0 && !insideMessage) {
    return 'PB_FRAGMENT_UNEXPECTED';
  } else if (opcode !== 0 && insideMessage) {
    return 'PB_FRAGMENT_INTERLEAVED';
  }
  return null;
}

/** §7.4.1, §7.4.2 and the registry: 1012 to 1014 were added after the RFC. */
const REGISTERED = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];

function checkClose(body: Uint8Array): ViolationCode | null {
  if (body.length === 0) return null;
  if (body.length === 1) return 'PB_CLOSE_LENGTH';
  const code = body[0]! * 256 + body[1]!;
  if (!REGISTERED.includes(code) && !(code >= 3000 && code < 5000)) return 'PB_CLOSE_CODE';
  return isUtf8(body.subarray(2)) ? null : 'PB_CLOSE_REASON';
}

/** What may complete a character that was cut off: whatever one may begin with, one of these ends it. */
const COMPLETIONS = ['', '80', '8080', 'a080', '808080', '908080'].map((text) => Buffer.from(text, 'hex'));

/** Whether some UTF-8 text begins with these bytes. */
export function canBecomeUtf8(beginning: Uint8Array): boolean {
  return COMPLETIONS.some((completion) => isUtf8(concat(beginning, completion)));
}

/** How many bytes there are before the first that cannot be part of UTF-8 text. */
export function validBeginning(bytes: Uint8Array): number {
  let length = 0;
  while (length < bytes.length && canBecomeUtf8(bytes.subarray(0, length + 1))) length++;
  return length;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length).toString('hex');
}
