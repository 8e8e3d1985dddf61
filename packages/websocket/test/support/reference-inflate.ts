/**
 * A DEFLATE decoder by the figures of RFC 1951, which says what zlib does not: how far back each match reaches, which
 * blocks there are, and where the data ends. It shares nothing with zlib, and is the oracle for what we compress.
 */

export interface Block {
  readonly final: boolean;
  readonly type: 'stored' | 'fixed' | 'dynamic';
  /** Bytes that the block made. */
  readonly length: number;
}

export interface Decoded {
  /** What came out, without the window that was given. */
  readonly bytes: Uint8Array;
  readonly blocks: readonly Block[];
  /** The longest distance of a match; 0 where there is none. */
  readonly farthest: number;
}

const LENGTH_BASE = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131];
LENGTH_BASE.push(163, 195, 227, 258);
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_EXTRA = Array.from({ length: 30 }, (_, code) => Math.max(0, (code >> 1) - 1));
const DISTANCE_BASE = DISTANCE_EXTRA.map((_, code) =>
  code < 2 ? code + 1 : 1 + DISTANCE_EXTRA.slice(0, code).reduce((sum, extra) => sum + 2 ** extra, 0),
);
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const filled = (length: number, value: number): number[] => Array.from({ length }, () => value);

/** How many codes of each length there are, and the symbols in the order of their codes (RFC 1951 §3.2.2). */
interface Codes {
  readonly counts: readonly number[];
  readonly symbols: readonly number[];
}

/** @param lenient a set of one code of one bit may leave the other bit unused (RFC 1951 §3.2.7) */
function makeCodes(lengths: readonly number[], lenient: boolean): Codes {
  const counts = filled(16, 0);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  const used = counts.reduce((sum, count, length) => sum + count / 2 ** length, 0);
  const single = lenient && counts[1] === 1 && used === 0.5;
  if (used > 1 || (used < 1 && used > 0 && !single)) throw new Error('the codes are too many, or too few');
  const symbols = lengths
    .map((length, symbol) => ({ length, symbol }))
    .filter(({ length }) => length > 0)
    .sort((a, b) => a.length - b.length || a.symbol - b.symbol)
    .map(({ symbol }) => symbol);
  return { counts, symbols };
}

const FIXED_LITERALS = makeCodes(
  Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
  false,
);
const FIXED_DISTANCES = makeCodes(filled(32, 5), false);

export class ReferenceDecoder {
  readonly blocks: Block[] = [];
  readonly out: number[];
  farthest = 0;
  private readonly input: Uint8Array;
  private bit = 0;
  /** No match reaches further back. */
  private windowStart = 0;

  constructor(input: Uint8Array, window: Uint8Array = new Uint8Array(0)) {
    this.input = input;
    this.out = [...window];
  }

  /** Octets of the input that are not begun. */
  get left(): number {
    return this.input.length - Math.ceil(this.bit / 8);
  }

  /** Blocks to the end of the input, which has to be the end of one. */
  all(): void {
    while (this.bit < this.input.length * 8) this.block();
  }

  /** Blocks to the end of a stream: one with BFINAL, and the rest of its last octet (RFC 7692 §7.2.1). */
  stream(): void {
    while (!this.block());
  }

  /** One block. @returns whether it was the last of its stream: what follows is another one, with no window */
  private block(): boolean {
    const before = this.out.length;
    const final = this.bits(1) === 1;
    const type = this.bits(2);
    if (type === 0) this.stored();
    else if (type === 1) this.compressed(FIXED_LITERALS, FIXED_DISTANCES);
    else if (type === 2) this.dynamic();
    else throw new Error('the reserved block type');
    const names = ['stored', 'fixed', 'dynamic'] as const;
    this.blocks.push({ final, type: names[type]!, length: this.out.length - before });
    if (final) {
      this.align();
      this.windowStart = this.out.length;
    }
    return final;
  }

  private bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.bit++) {
      const byte = this.input[this.bit >> 3];
      if (byte === undefined) throw new Error('the data ends inside a block');
      value |= ((byte >> (this.bit & 7)) & 1) << i;
    }
    return value;
  }

  private align(): void {
    this.bit = Math.ceil(this.bit / 8) * 8;
  }

  private symbol({ counts, symbols }: Codes): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= 15; length++) {
      code |= this.bits(1);
      const count = counts[length]!;
      if (code - count < first) return symbols[index + code - first]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new Error('no such code');
  }

  private stored(): void {
    this.align();
    const length = this.bits(16);
    if (length !== (this.bits(16) ^ 0xffff)) throw new Error('LEN and NLEN differ');
    for (let i = 0; i < length; i++) this.out.push(this.bits(8));
  }

  private dynamic(): void {
    const literals = this.bits(5) + 257;
    const distances = this.bits(5) + 1;
    const given = this.bits(4) + 4;
    if (literals > 286 || distances > 30) throw new Error('more codes than there are');
    const codeLengths = filled(19, 0);
    for (const position of CODE_LENGTH_ORDER.slice(0, given)) codeLengths[position] = this.bits(3);
    const codes = makeCodes(codeLengths, false);
    const lengths: number[] = [];
    while (lengths.length < literals + distances) {
      const symbol = this.symbol(codes);
      if (symbol < 16) {
        lengths.push(symbol);
      } else if (symbol === 16) {
        const last = lengths.at(-1);
        if (last === undefined) throw new Error('nothing to repeat');
        lengths.push(...filled(3 + this.bits(2), last));
      } else {
        lengths.push(...filled(symbol === 17 ? 3 + this.bits(3) : 11 + this.bits(7), 0));
      }
    }
    if (lengths.length > literals + distances) throw new Error('more code lengths than there are codes');
    if (lengths[256] === 0) throw new Error('no code ends the block');
    this.compressed(makeCodes(lengths.slice(0, literals), true), makeCodes(lengths.slice(literals), true));
  }

  private compressed(literals: Codes, distances: Codes): void {
    for (;;) {
      const symbol = this.symbol(literals);
      if (symbol === 256) return;
      if (symbol < 256) {
        this.out.push(symbol);
        continue;
      }
      if (symbol > 285) throw new Error('no such length');
      const length = LENGTH_BASE[symbol - 257]! + this.bits(LENGTH_EXTRA[symbol - 257]!);
      const code = this.symbol(distances);
      if (code > 29) throw new Error('no such distance');
      const distance = DISTANCE_BASE[code]! + this.bits(DISTANCE_EXTRA[code]!);
      if (distance > this.out.length - this.windowStart) throw new Error('a match before the beginning');
      this.farthest = Math.max(this.farthest, distance);
      for (let i = 0; i < length; i++) this.out.push(this.out[this.out.length - distance]!);
    }
  }
}

/** @param window what earlier messages made, where it was taken over */
export function referenceInflate(data: Uint8Array, window: Uint8Array = new Uint8Array(0)): Decoded {
  const decoder = new ReferenceDecoder(data, window);
  decoder.all();
  const { out, blocks, farthest } = decoder;
  return { bytes: Uint8Array.from(out.slice(window.length)), blocks, farthest };
}

/** Writes blocks bit by bit, for streams that no compressor makes. */
export class BlockWriter {
  private readonly octets: number[] = [];
  private filled = 0;

  bits(value: number, count: number): this {
    for (let i = 0; i < count; i++, this.filled++) {
      if (this.filled % 8 === 0) this.octets.push(0);
      this.octets[this.octets.length - 1]! |= ((value >> i) & 1) << (this.filled % 8);
    }
    return this;
  }

  align(): this {
    return this.bits(0, (8 - (this.filled % 8)) % 8);
  }

  stored(payload: Uint8Array, final = false): this {
    this.bits(final ? 1 : 0, 1)
      .bits(0, 2)
      .align();
    this.bits(payload.length, 16).bits(payload.length ^ 0xffff, 16);
    for (const byte of payload) this.bits(byte, 8);
    return this;
  }

  /** A fixed block that is one match; `length` 3 to 10, `distance` 1 to 32768. */
  match(length: number, distance: number): this {
    this.bits(0, 1).bits(1, 2);
    this.code(length - 3 + 1, 7);
    const code = DISTANCE_BASE.findLastIndex((base) => base <= distance);
    this.code(code, 5).bits(distance - DISTANCE_BASE[code]!, DISTANCE_EXTRA[code]!);
    return this.code(0, 7);
  }

  /** The header of an empty stored block: with it every message ends, its four octets taken off (RFC 7692 §7.2.1). */
  end(): Uint8Array {
    this.bits(0, 3).align();
    return Uint8Array.from(this.octets);
  }

  /** Without that. */
  raw(): Uint8Array {
    return Uint8Array.from(this.octets);
  }

  /** Huffman codes go most significant bit first (RFC 1951 §3.1.1). */
  private code(value: number, count: number): this {
    for (let i = count - 1; i >= 0; i--) this.bits(value >> i, 1);
    return this;
  }
}
