import { Buffer } from 'node:buffer';

const EMPTY = new Uint8Array(0);

/** The last bytes of one direction: as many as its window holds. */
export class History {
  bytes: Buffer | undefined;
  private readonly size: number;

  constructor(windowBits: number) {
    this.size = 1 << windowBits;
  }

  add(bytes: Uint8Array): void {
    const kept = this.bytes ?? EMPTY;
    const before = kept.subarray(Math.max(0, kept.length + bytes.length - this.size));
    this.bytes = Buffer.concat([before, bytes.subarray(Math.max(0, bytes.length - this.size))]);
  }

  clear(): void {
    this.bytes = undefined;
  }
}
