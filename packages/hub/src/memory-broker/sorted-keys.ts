const LARGEST = 512;

/** Keys in order, in short arrays of which each goes on where the one before it ends. */
export class SortedKeys {
  private chunks: string[][] = [];

  add(key: string): void {
    const at = this.find(key);
    const chunk = this.chunks[at] ?? this.chunks.at(-1);
    if (chunk === undefined) {
      this.chunks.push([key]);
      return;
    }
    const index = indexOf(chunk, key);
    if (chunk[index] === key) return;
    chunk.splice(index, 0, key);
    if (chunk.length <= LARGEST) return;
    this.chunks.splice(this.chunks.indexOf(chunk) + 1, 0, chunk.splice(chunk.length >> 1));
  }

  delete(key: string): void {
    const at = this.find(key);
    const chunk = this.chunks[at];
    if (chunk === undefined) return;
    const index = indexOf(chunk, key);
    if (chunk[index] !== key) return;
    chunk.splice(index, 1);
    if (chunk.length === 0) this.chunks.splice(at, 1);
  }

  clear(): void {
    this.chunks = [];
  }

  /** Those that begin with `prefix`. Nothing may be added or deleted meanwhile. */
  *startingWith(prefix: string): Generator<string> {
    for (let at = this.find(prefix); at < this.chunks.length; at++) {
      const chunk = this.chunks[at]!;
      for (let index = indexOf(chunk, prefix); index < chunk.length; index++) {
        if (!chunk[index]!.startsWith(prefix)) return;
        yield chunk[index]!;
      }
    }
  }

  /** The first array whose last key is not before `key`; as many as there are where all are before it. */
  private find(key: string): number {
    let low = 0;
    let high = this.chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.chunks[middle]!.at(-1)! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Where a key stands, or would stand. */
function indexOf(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
