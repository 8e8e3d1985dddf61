import { type MessageOpcode, OPCODE_BINARY } from '../protocol/opcodes.ts';
import type { DeflateParameters } from '../protocol/permessage-deflate.ts';
import type { Deflater, DeflateProvider, DeflateSink } from '../protocol/platform.ts';
import { encodeMessage, FIN, headerLength, writeHeader } from '../protocol/sender.ts';
import { FrameSequence } from './frame-sequence.ts';

/** One encoding of a prepared message: what goes on the wire for every connection that agreed on the same. */
export interface PreparedVariant {
  readonly frame: Uint8Array;
  /** Where its payload begins, if that is a line which may share a message with those beside it; else 0. */
  readonly lineAt: number;
  readonly sequence: FrameSequence;
}

/** Who waits for a variant that is compressed off the event loop. */
export interface VariantWaiter {
  onVariantReady(): void;
}

function variantOf(frame: Buffer, lineAt = 0): PreparedVariant {
  return { frame, lineAt, sequence: new FrameSequence(null, frame, lineAt) };
}

/** Sockets of Node make a Buffer of everything else, for every write anew. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * A message that goes to many connections: framed once, and compressed once for each window size that peers agreed
 * on. It keeps a copy of its data, as the frame that most of them get, so the original may be changed at once.
 */
export class PreparedMessage {
  readonly opcode: MessageOpcode;
  readonly payloadLength: number;
  /** Whether connections with permessage-deflate get it compressed; undefined: where it reaches the threshold. */
  readonly compress: boolean | undefined;
  private readonly frame: Buffer;
  private readonly isLine: boolean;
  private plain: PreparedVariant | undefined;
  private deflated: Map<number, VariantCompression> | undefined;

  /**
   * @param payload a string for text alone; bytes are copied
   * @param isLine it may share a message with those beside it
   */
  constructor(opcode: MessageOpcode, payload: string | Uint8Array, compress: boolean | undefined, isLine = false) {
    const isString = typeof payload === 'string';
    const length = isString ? Buffer.byteLength(payload) : payload.length;
    // Small ones share their memory: one allocation of V8's own for each is what takes most of the time.
    const frame = Buffer.allocUnsafe(headerLength(length) + length);
    const start = writeHeader(frame, 0, FIN | opcode, length, 0);
    if (isString) frame.write(payload, start);
    else frame.set(payload, start);
    this.opcode = opcode;
    this.payloadLength = length;
    this.compress = compress;
    this.frame = frame;
    this.isLine = isLine;
  }

  /** Nobody changes it. */
  get payload(): Uint8Array {
    return this.frame.subarray(this.frame.length - this.payloadLength);
  }

  get kind(): 'text' | 'binary' {
    return this.opcode === OPCODE_BINARY ? 'binary' : 'text';
  }

  plainVariant(): PreparedVariant {
    return (this.plain ??= variantOf(this.frame, this.isLine ? headerLength(this.payloadLength) : 0));
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
    this.deflater.deflate(message.payload, 0, message.payloadLength, this);
  }

  /** @returns null while it is being compressed: `waiter` is called when it is ready */
  variantFor(waiter: VariantWaiter): PreparedVariant | null {
    if (this.variant === null) this.waiters.push(waiter);
    return this.variant;
  }

  onDeflated(bytes: Uint8Array, start: number, end: number): void {
    this.finish(variantOf(toBuffer(encodeMessage(this.message.opcode, true, bytes.subarray(start, end), null))));
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
