import type { MessageKind } from '@pulsebeacon/websocket';

/** What is sent. */
export interface PayloadPlan {
  /** Bytes of a message. */
  readonly size: number;
  /** Always this, in place of numbered messages of `size` bytes. */
  readonly text: string | undefined;
  readonly kind: MessageKind;
}

/** Digits of the number that a message begins with; fewer where it is shorter. */
const DIGITS = 8;
const HEX = Buffer.from('0123456789abcdef', 'latin1');

/** Text that compresses as rows of JSON do. */
const ROW = '{"id":48213,"user":"mira","at":"2026-03-14T09:26:53Z","text":"see you at the station"},';

/**
 * The messages of a connection: all alike, but for a number in hexadecimal digits at the beginning by which each answer
 * is known to be the one to its request.
 */
export class Payload {
  readonly kind: MessageKind;
  /** Bytes of each message. */
  readonly size: number;
  private readonly bytes: Buffer;
  private readonly digits: number;

  constructor({ size, text, kind }: PayloadPlan) {
    this.kind = kind;
    this.bytes = text === undefined ? filler(size, kind) : Buffer.from(text);
    this.size = this.bytes.length;
    this.digits = text === undefined ? Math.min(DIGITS, size) : 0;
  }

  /** The message of a number: valid until the next call. */
  message(number: number): Uint8Array {
    const { bytes } = this;
    let rest = number;
    for (let at = this.digits - 1; at >= 0; at--) {
      bytes[at] = HEX[rest & 15]!;
      rest >>>= 4;
    }
    return bytes;
  }

  /** Whether these bytes are the message of a number, by its length, its number, or, where it has none, all of it. */
  matches(bytes: Uint8Array, number: number): boolean {
    if (bytes.length !== this.size) return false;
    if (this.digits === 0) return this.bytes.equals(bytes);
    let rest = number;
    for (let at = this.digits - 1; at >= 0; at--) {
      if (bytes[at] !== HEX[rest & 15]) return false;
      rest >>>= 4;
    }
    return true;
  }

  /** Whether these bytes are the message of a number, all of them. */
  equals(bytes: Uint8Array, number: number): boolean {
    return Buffer.from(this.message(number)).equals(bytes);
  }
}

function filler(size: number, kind: MessageKind): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  if (kind === 'text') return bytes.fill(ROW, 'latin1');
  // Bytes that do not compress; always the same ones, so that runs can be compared.
  let state = 0x9e3779b9;
  for (let at = 0; at < size; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state & 0xff;
  }
  return bytes;
}
