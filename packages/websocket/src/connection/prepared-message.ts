import { type MessageOpcode, OPCODE_BINARY } from '../protocol/opcodes.ts';
import type { Deflater, DeflateSink } from '../protocol/platform.ts';
import { encodeMessage } from '../protocol/sender.ts';
import { FrameSequence } from './frame-sequence.ts';

/** One encoding of a prepared message: what goes on the wire for every connection that agreed on the same. */
export interface PreparedVariant {
  readonly frame: Uint8Array;
  readonly sequence: FrameSequence;
}

/** Who waits for a variant that is compressed off the event loop. */
export interface VariantWaiter {
  onVariantReady(): void;
}

function variantOf(encoded: Uint8Array): PreparedVariant {
  // Sockets of Node make a Buffer of everything else, for every write anew.
  const frame = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length);
  return { frame, sequence: new FrameSequence(null, frame) };
}

/**
 * A message that goes to many connections: framed once, and compressed once for each window size that peers agreed
 * on. It keeps a copy of its data, so the original may be changed at once.
 */
export class PreparedMessage {
  readonly opcode: MessageOpcode;
  readonly payload: Uint8Array;
  /** Whether connections with permessage-deflate get it compressed. */
  readonly compress: boolean;
  private plain: PreparedVariant | undefined;
  private deflated: Map<number, PreparedVariant | Compression> | undefined;

  /** @param payload owned by this object from now on */
  constructor(opcode: MessageOpcode, payload: Uint8Array, compress: boolean) {
    this.opcode = opcode;
    this.payload = payload;
    this.compress = compress;
  }

  get kind(): 'text' | 'binary' {
    return this.opcode === OPCODE_BINARY ? 'binary' : 'text';
  }

  plainVariant(): PreparedVariant {
    return (this.plain ??= variantOf(encodeMessage(this.opcode, false, this.payload, null)));
  }

  /**
   * The variant for a window of `windowBits`, compressed by `deflater` (which takes no context over) the first time.
   * @returns null while it is being compressed: `waiter` is called when it is ready
   */
  deflatedVariant(windowBits: number, deflater: Deflater, waiter: VariantWaiter): PreparedVariant | null {
    this.deflated ??= new Map();
    const known = this.deflated.get(windowBits);
    if (known instanceof Compression) {
      known.waiters.push(waiter);
      return null;
    }
    if (known !== undefined) return known;
    const compression = new Compression(this);
    if (!deflater.deflate(this.payload, 0, this.payload.length, compression)) {
      const variants = this.deflated;
      variants.set(windowBits, compression);
      compression.waiters.push(waiter);
      compression.whenDone = (variant) => variants.set(windowBits, variant);
      return null;
    }
    this.deflated.set(windowBits, compression.variant!);
    return compression.variant!;
  }
}

class Compression implements DeflateSink {
  readonly waiters: VariantWaiter[] = [];
  variant: PreparedVariant | undefined;
  whenDone: ((variant: PreparedVariant) => void) | undefined;
  private readonly message: PreparedMessage;

  constructor(message: PreparedMessage) {
    this.message = message;
  }

  onDeflated(bytes: Uint8Array, start: number, end: number): void {
    this.finish(variantOf(encodeMessage(this.message.opcode, true, bytes.subarray(start, end), null)));
  }

  /** Uncompressed messages are always allowed (RFC 7692 §6). */
  onDeflateFailed(): void {
    this.finish(this.message.plainVariant());
  }

  private finish(variant: PreparedVariant): void {
    this.variant = variant;
    this.whenDone?.(variant);
    for (const waiter of this.waiters) waiter.onVariantReady();
  }
}
