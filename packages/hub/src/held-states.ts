import type { EncodedPublication } from './encoded-publication.ts';
import { storedSize } from './stored-size.ts';

/** For `conflate`: the newest publication of each key, waiting for room; those without a key have one among them. */
export class HeldStates {
  private readonly maxBytes: number;
  private readonly newest = new Map<string | undefined, EncodedPublication>();
  private bytes = 0;

  /** @param maxBytes beyond which the oldest go, however many keys there are */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get size(): number {
    return this.newest.size;
  }

  /** @returns how many others are left out for it */
  add(encoded: EncodedPublication): number {
    const { key } = encoded.publication;
    let leftOut = 0;
    // To the end: what is held leaves in the order of offsets.
    if (this.remove(key)) leftOut++;
    this.newest.set(key, encoded);
    this.bytes += storedSize(encoded.publication);
    while (this.bytes > this.maxBytes && this.newest.size > 1) {
      this.remove(this.newest.keys().next().value);
      leftOut++;
    }
    return leftOut;
  }

  /** Takes out the oldest, of which there must be one. */
  take(): EncodedPublication {
    const encoded = this.newest.values().next().value!;
    this.remove(encoded.publication.key);
    return encoded;
  }

  private remove(key: string | undefined): boolean {
    const encoded = this.newest.get(key);
    if (encoded === undefined) return false;
    this.newest.delete(key);
    this.bytes -= storedSize(encoded.publication);
    return true;
  }
}
