const NOTHING = new Uint8Array(0);
const FIRST_SIZE = 256;

/** Bytes that come in pieces, copied one behind the other into memory that doubles as it fills, up to a limit. */
export class GatheredBytes {
  private memory: Uint8Array = NOTHING;
  private readonly limit: number;
  private size = 0;

  /** @param limit most bytes that will be gathered: the memory never grows above it */
  constructor(limit: number) {
    this.limit = limit;
  }

  get length(): number {
    return this.size;
  }

  /** What was gathered. Valid until the next call of anything here. */
  get bytes(): Uint8Array {
    return this.memory.subarray(0, this.size);
  }

  /** Copies the bytes from `start` to `end`. The caller holds the limit. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const size = this.size + end - start;
    if (size > this.memory.length) this.grow(size);
    this.memory.set(bytes.subarray(start, end), this.size);
    this.size = size;
  }

  /** Begins anew, in the same memory. */
  clear(): void {
    this.size = 0;
  }

  private grow(size: number): void {
    const larger = new Uint8Array(Math.min(this.limit, Math.max(FIRST_SIZE, size, this.memory.length * 2)));
    larger.set(this.bytes);
    this.memory = larger;
  }
}
