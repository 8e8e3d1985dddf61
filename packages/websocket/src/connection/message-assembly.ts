import { processMemory } from './process-memory.ts';

/** A peer may announce any length: memory grows with what arrives, not with what is announced. */
const FIRST_ALLOCATION = 4096;

/** The bytes of one message whose parts arrive in several reads. */
export class MessageAssembly {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  readonly compressed: boolean;
  private readonly maxLength: number;

  /** @param expected how long it will probably be; @param maxLength how long it can be at most */
  constructor(expected: number, maxLength: number, compressed: boolean) {
    this.compressed = compressed;
    this.maxLength = maxLength;
    this.bytes = new Uint8Array(Math.min(expected, FIRST_ALLOCATION));
    processMemory.buffered += this.bytes.length;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.bytes.length) {
      const capacity = Math.min(this.maxLength, Math.max(length, this.bytes.length * 2));
      const larger = new Uint8Array(Math.max(length, capacity));
      larger.set(this.bytes.subarray(0, this.length));
      processMemory.buffered += larger.length - this.bytes.length;
      this.bytes = larger;
    }
    this.bytes.set(bytes.subarray(start, end), this.length);
    this.length = length;
  }

  /** Gives the memory back to the account. */
  release(): void {
    processMemory.buffered -= this.bytes.length;
    this.bytes = EMPTY;
    this.length = 0;
  }
}

const EMPTY = new Uint8Array(0);
