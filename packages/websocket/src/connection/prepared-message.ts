import { type MessageOpcode, OPCODE_BINARY } from '../protocol/opcodes.ts';
import type { DeflateParameters } from '../protocol/permessage-deflate.ts';
import type { Deflater, DeflateProvider, DeflateSink } from '../protocol/platform.ts';
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
  /** Whether connections with permessage-deflate get it compressed; undefined: where it reaches the threshold. */
  readonly compress: boolean | undefined;
  private plain: PreparedVariant | undefined;
  private deflated: Map<number, VariantCompression> | undefined;

  /** @param payload owned by this object from now on */
  constructor(opcode: MessageOpcode, payload: Uint8Array, compress: boolean | undefined) {
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
   * The variant for the server's window of `parameters`, compressed the first time, without a context to take over.
   * @returns null while it is being compressed: `waiter` is called when it is ready
   */
  deflatedVariant(
    parameters: DeflateParameters,
    provider: DeflateProvider,
    waiter: VariantWaiter,
  ): PreparedVariant | null {
    const windowBits = parameters.serverMaxWindowBits;
    this.deflated ??= new Map();
    let compression = this.deflated.get(windowBits);
    if (compression === undefined) {
      compression = new VariantCompression(this, parameters, provider);
      this.deflated.set(windowBits, compression);
    }
    return compression.variantFor(waiter);
  }
}

/** A variant that is being compressed, or was. It belongs to no connection: those that wait for it may come and go. */
class VariantCompression implements DeflateSink {
  private readonly message: PreparedMessage;
  private readonly deflater: Deflater;
  private waiters: VariantWaiter[] = [];
  private variant: PreparedVariant | null = null;

  constructor(message: PreparedMessage, parameters: DeflateParameters, provider: DeflateProvider) {
    this.message = message;
    this.deflater = provider.createDeflater({ ...parameters, serverNoContextTakeover: true }, 'server');
    this.deflater.deflate(message.payload, 0, message.payload.length, this);
  }

  /** @returns null while it is being compressed: `waiter` is called when it is ready */
  variantFor(waiter: VariantWaiter): PreparedVariant | null {
    if (this.variant === null) this.waiters.push(waiter);
    return this.variant;
  }

  onDeflated(bytes: Uint8Array, start: number, end: number): void {
    this.finish(variantOf(encodeMessage(this.message.opcode, true, bytes.subarray(start, end), null)));
  }

  /** Uncompressed messages are always allowed (RFC 7692 §6). */
  onDeflateFailed(): void {
    this.finish(this.message.plainVariant());
  }

  private finish(variant: PreparedVariant): void {
    const { waiters } = this;
    this.variant = variant;
    this.waiters = [];
    this.deflater.close();
    for (const waiter of waiters) waiter.onVariantReady();
  }
}
