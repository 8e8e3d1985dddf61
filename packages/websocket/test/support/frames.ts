/**
 * Frames by the figure of RFC 6455 §5.2, right or deliberately wrong. Written from the RFC alone and shares nothing
 * with src/protocol/sender.ts, which it is an oracle for.
 */

export interface FrameSpec {
  readonly fin?: boolean;
  readonly rsv1?: boolean;
  readonly rsv2?: boolean;
  readonly rsv3?: boolean;
  readonly opcode: number;
  /** Four bytes, or null where the frame is not masked. */
  readonly mask?: readonly number[] | Uint8Array | null;
  /** Before masking. */
  readonly payload?: Uint8Array;
  /** Bits of the length field; the shortest form unless told. */
  readonly lengthBits?: 7 | 16 | 64;
  /** What the length field says, if not how many bytes of payload follow. */
  readonly declaredLength?: bigint;
}

export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** §5.3: transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4). */
export function transform(payload: Uint8Array, key: ArrayLike<number>): Uint8Array {
  return payload.map((octet, i) => octet ^ key[i % 4]!);
}

function shortestLengthBits(length: bigint): 7 | 16 | 64 {
  if (length <= 125n) return 7;
  return length <= 0xffffn ? 16 : 64;
}

export function buildFrame(spec: FrameSpec): Uint8Array {
  const payload = spec.payload ?? new Uint8Array(0);
  const mask = spec.mask ?? null;
  const length = spec.declaredLength ?? BigInt(payload.length);
  const lengthBits = spec.lengthBits ?? shortestLengthBits(length);

  const header: number[] = [];
  header.push(
    (spec.fin === false ? 0 : 128) +
      (spec.rsv1 === true ? 64 : 0) +
      (spec.rsv2 === true ? 32 : 0) +
      (spec.rsv3 === true ? 16 : 0) +
      spec.opcode,
  );
  const maskBit = mask === null ? 0 : 128;
  header.push(maskBit + (lengthBits === 7 ? Number(length) : lengthBits === 16 ? 126 : 127));
  if (lengthBits !== 7) {
    // Network byte order.
    for (let shift = lengthBits - 8; shift >= 0; shift -= 8) header.push(Number((length >> BigInt(shift)) & 0xffn));
  }
  if (mask !== null) header.push(...mask);
  return concat(Uint8Array.from(header), mask === null ? payload : transform(payload, mask));
}

/** The key of the RFC's own examples (§5.7). */
export const EXAMPLE_KEY = [0x37, 0xfa, 0x21, 0x3d] as const;

/** A frame as a client sends it: masked. */
export function fromClient(spec: FrameSpec): Uint8Array {
  return buildFrame({ mask: EXAMPLE_KEY, ...spec });
}

/** A frame as a server sends it: not masked. */
export function fromServer(spec: FrameSpec): Uint8Array {
  return buildFrame({ mask: null, ...spec });
}

/** The body of a close frame (§5.5.1). */
export function closeBody(code: number, reason: string | Uint8Array = ''): Uint8Array {
  return concat(bytes(code >> 8, code & 0xff), typeof reason === 'string' ? utf8(reason) : reason);
}
