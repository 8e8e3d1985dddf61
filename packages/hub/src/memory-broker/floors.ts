const BUCKETS = 4096;

/**
 * What is left of channels that were forgotten: in each of 4,096 buckets of names, an offset that no forgotten channel
 * went beyond. It costs 32 KiB however many there were, and what it says errs on the safe side: a position below it
 * proves nothing.
 */
export class Floors {
  private readonly offsets = new Float64Array(BUCKETS);

  /** The highest offset that a forgotten channel of this name may have given. */
  of(channel: string): number {
    return this.offsets[bucketOf(channel)]!;
  }

  raise(channel: string, offset: number): void {
    this.raiseBucket(bucketOf(channel), offset);
  }

  /** For floors that were written down. */
  raiseBucket(bucket: number, offset: number): void {
    if (offset > this.offsets[bucket]!) this.offsets[bucket] = offset;
  }
}

/** FNV-1a over UTF-16 code units. */
export function bucketOf(channel: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < channel.length; i++) hash = Math.imul(hash ^ channel.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 16)) & (BUCKETS - 1);
}
