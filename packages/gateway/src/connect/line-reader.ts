const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Cuts bytes into lines. A line feed ends a line, with or without a carriage return before it; what comes behind the
 * last one is a line, unless it is empty.
 */
export class LineReader {
  /** Of a line whose end has not come. */
  private readonly parts: Uint8Array[] = [];

  /** The lines that `chunk` completes: views of it, where they lie in it whole. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let end; (end = chunk.indexOf(LINE_FEED, start)) !== -1; start = end + 1) {
      yield withoutReturn(this.complete(chunk.subarray(start, end)));
    }
    if (start < chunk.length) this.parts.push(chunk.subarray(start));
  }

  /** What is left at the end of the input. */
  finish(): Uint8Array | undefined {
    return this.parts.length === 0 ? undefined : this.complete(new Uint8Array(0));
  }

  private complete(last: Uint8Array): Uint8Array {
    return this.parts.length === 0 ? last : Buffer.concat([...this.parts.splice(0), last]);
  }
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}
