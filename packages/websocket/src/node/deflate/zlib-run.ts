import { Buffer, constants } from 'node:buffer';
import type { ZlibContext, ZlibRunner } from './zlib-handle.ts';

/** What a step of a run leaves behind. */
export const MORE = 0;
/** The output has no room left: `grow`, then on. */
export const FULL = 1;
export const DONE = 2;
/** What came in is not DEFLATE data. */
export const INVALID = 3;
/** More came out than the limit, or than memory holds. */
export const TOO_BIG = 4;
export type Outcome = typeof MORE | typeof FULL | typeof DONE | typeof INVALID | typeof TOO_BIG;

/** The outcomes after which a run is over. */
export type Result = typeof DONE | typeof INVALID | typeof TOO_BIG;

/**
 * Most bytes that one step takes or makes: a job on the thread pool comes back to the event loop after that many, so
 * that one huge message does not keep a thread from everyone else, nor a closed connection its memory.
 */
export const SLICE: number = 1024 * 1024;

/** One message on its way through a zlib context, step by step, on the event loop or off it. */
export interface ZlibRun {
  /** Takes one step off the event loop; `runner` is told, and then has to call `settle`. */
  start(context: ZlibContext, runner: ZlibRunner): void;
  /** What the step that just ended came to. */
  settle(context: ZlibContext): Outcome;
  /** Makes room after FULL. False where there is no memory. */
  grow(): boolean;
}

/** Memory of a message that is kept for the next ones; more is let go of. Enough for messages of the default limit. */
export const MOST_KEPT: number = 1.25 * 1024 * 1024;

/** Memory for a message that grows as it comes out. */
export class Output {
  bytes: Buffer;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** Room for `size` bytes, of which the first `used` are in use. False where the process has not so much. */
  resize(size: number, used: number): boolean {
    if (size <= this.bytes.length) return true;
    if (size > constants.MAX_LENGTH) return false;
    let larger: Buffer;
    try {
      // Not touched before it is written to: memory that is only reserved costs none.
      larger = Buffer.allocUnsafeSlow(size);
    } catch {
      return false;
    }
    larger.set(this.bytes.subarray(0, used));
    this.bytes = larger;
    return true;
  }

  /** Lets go of what was needed for one large message alone. @param size what is enough for most */
  shrink(size: number): void {
    if (this.bytes.length > MOST_KEPT) this.bytes = Buffer.allocUnsafeSlow(size);
  }
}
