import type { Role } from './opcodes.ts';
import type { DeflateParameters, DeflateWishes } from './permessage-deflate.ts';
import type { ViolationCode } from './violations.ts';

/**
 * What the protocol needs of the machine it runs on. `protocol` and `handshake` are pure: they import nothing and use
 * no global of any platform; whoever builds a connection hands them an implementation of this.
 */
export interface Platform {
  /** Whether the bytes are well-formed UTF-8 as a whole. Used for runs too long for the table in `utf8.ts`. */
  isUtf8(bytes: Uint8Array, start: number, end: number): boolean;

  /** The text of ASCII bytes; from 0x80 on, each is the character of its number (Latin-1), as in HTTP fields. */
  decodeAscii(bytes: Uint8Array, start: number, end: number): string;

  /** The text of bytes that are known to be well-formed UTF-8; a byte order mark is kept. */
  decodeUtf8(bytes: Uint8Array, start: number, end: number): string;

  /**
   * Writes `text` as UTF-8 at `at` and returns how many bytes that took. Lone surrogates become U+FFFD. The caller
   * has made room: three bytes for each UTF-16 code unit are always enough.
   */
  encodeUtf8(text: string, target: Uint8Array, at: number): number;

  /**
   * Masks or unmasks (RFC 6455 §5.3) the bytes from `start` to `end` in place: as `maskInPlace` of `mask.ts`, which will
   * do where the platform knows no quicker way.
   * @param key applies to the byte at `start` with its lowest byte
   * @returns a number of which no bit of 0x80808080 is set where all resulting bytes are ASCII
   */
  mask(bytes: Uint8Array, start: number, end: number, key: number): number;

  /** Fills `target` from a cryptographically secure generator (masking keys, RFC 6455 §10.3; handshake nonces). */
  randomFill(target: Uint8Array): void;

  /** SHA-1 of an ASCII string, as base64 (RFC 6455 §4.2.2: Sec-WebSocket-Accept). */
  sha1Base64(text: string): string;
}

/** Called once for each message handed to {@link Inflater.inflate}. */
export interface InflateSink {
  /** The message. `bytes` are valid only during the call. */
  onInflated(bytes: Uint8Array, start: number, end: number): void;
  /** `PB_DEFLATE_INVALID`; or `PB_MESSAGE_TOO_BIG`, as soon as more than the limit or than memory holds came out. */
  onInflateFailed(code: ViolationCode): void;
}

/** Called once for each message handed to {@link Deflater.deflate}. */
export interface DeflateSink {
  /** The payload of the compressed message, its tail removed (RFC 7692 §7.2.1). Valid only during the call. */
  onDeflated(bytes: Uint8Array, start: number, end: number): void;
  /** The compressor failed (out of memory). The message may be sent uncompressed instead. */
  onDeflateFailed(cause: unknown): void;
}

/** The receiving half of permessage-deflate for one connection; may be shared where no context is taken over. */
export interface Inflater {
  /**
   * Inflates the payload of one message (RFC 7692 §7.2.2). One message at a time for each connection.
   * @param limit most bytes that may come out; more is refused while inflating, not after
   * @returns true when the sink was called before this returned; false when it will be called later
   */
  inflate(bytes: Uint8Array, start: number, end: number, limit: number, sink: InflateSink): boolean;
  /** Gives the memory back. A sink that still waits is not called. */
  close(): void;
}

/** Called as a message is inflated in parts, never from inside {@link PartInflater.push} or `resume`. */
export interface InflatePartSink {
  /**
   * Some of the message. `bytes` are valid only during the call.
   * @returns whether to go on; otherwise {@link PartInflater.resume} does
   */
  onInflatedPart(bytes: Uint8Array, start: number, end: number): boolean;
  /** What was pushed is through, and more can be; where that was the last of it, the message is complete. */
  onInflated(isLast: boolean): void;
  /** `PB_DEFLATE_INVALID`; or `PB_MESSAGE_TOO_BIG`, for want of memory. Nothing is called after it. */
  onInflateFailed(code: ViolationCode): void;
}

/** As {@link Inflater}, for messages of any length, of which neither end holds more than a few buffers at a time. */
export interface PartInflater {
  /** Takes some bytes of a message, copying them. Only after the sink was told that what came before is through. */
  push(bytes: Uint8Array, start: number, end: number, isLast: boolean): void;
  /** Goes on, after the sink said no. */
  resume(): void;
  /** Gives the memory back. The sink is not called any more. */
  close(): void;
}

/** The sending half of permessage-deflate for one connection; may be shared where no context is taken over. */
export interface Deflater {
  /**
   * Deflates one message. One message at a time for each connection.
   * @returns true when the sink was called before this returned; false when it will be called later
   */
  deflate(bytes: Uint8Array, start: number, end: number, sink: DeflateSink): boolean;
  /** The peer's window has moved by bytes that this context did not produce: start the next message afresh. */
  reset(): void;
  /** Gives the memory back. A sink that still waits is not called. */
  close(): void;
}

/** Makes the two halves for one connection from what the handshake agreed. */
export interface DeflateProvider {
  /** What to ask for in the handshake: for `negotiateDeflate` and `offerDeflate`. */
  readonly wishes: DeflateWishes;
  /** Messages of fewer bytes are not worth compressing. */
  readonly threshold: number;

  /**
   * Sets memory aside for a new connection that keeps its windows, asked while the handshake is answered. What was
   * granted belongs to this object `parameters`: the halves are made with it, or with a copy that takes nothing over.
   */
  grantTakeover(parameters: DeflateParameters, role: Role): boolean;

  /**
   * The connection is over, or never came to be: what was granted for it is given back, once, as soon as no job needs
   * it. To be called for every connection; without a grant it does nothing.
   */
  releaseTakeover(parameters: DeflateParameters): void;

  /** @throws {Error} where the peer takes its window over and that was not granted */
  createInflater(parameters: DeflateParameters, role: Role): Inflater;

  /** In place of {@link createInflater}, for a connection whose messages are inflated in parts. */
  createPartInflater(parameters: DeflateParameters, role: Role, sink: InflatePartSink): PartInflater;

  /** @throws {Error} where we take our window over and that was not granted */
  createDeflater(parameters: DeflateParameters, role: Role): Deflater;
}
