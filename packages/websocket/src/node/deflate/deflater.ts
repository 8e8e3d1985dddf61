import { copyBytes } from '../../protocol/bytes.ts';
import type { Deflater, DeflateSink } from '../../protocol/platform.ts';
import type { DeflateRun } from './deflate-run.ts';
import type { TakeoverGrant } from './memory-budget.ts';
import type { ZlibContext } from './zlib-handle.ts';
import { ZlibHalf } from './zlib-half.ts';
import type { ContextPool, ZlibPools } from './zlib-pools.ts';
import { DONE, FULL, INVALID, type Outcome, type Result } from './zlib-run.ts';

const EMPTY = new Uint8Array(0);

/** The sending half over a zlib handle. */
export class ZlibDeflater extends ZlibHalf<DeflateRun, DeflateSink> implements Deflater {
  private readonly inlineLimit: number;
  /** The message that waits for its turn. */
  private input: Uint8Array = EMPTY;
  private isStale = false;

  constructor(pools: ZlibPools, contexts: ContextPool, grant: TakeoverGrant | undefined, inlineLimit: number) {
    super(pools.jobs, contexts, pools.deflateRuns, grant);
    this.inlineLimit = inlineLimit;
  }

  deflate(bytes: Uint8Array, start: number, end: number, sink: DeflateSink): boolean {
    this.mustBeReady();
    if (end - start > this.inlineLimit) {
      this.input = copyBytes(bytes, start, end);
      this.submit(sink);
      return false;
    }
    const run = this.takeRun();
    if (start === end) {
      run.beEmpty();
      this.deliver(DONE, run, sink);
      return true;
    }
    const context = this.takeContext();
    let outcome: Outcome = run.begin(bytes, start, end) ? run.run(context) : INVALID;
    while (outcome === FULL) outcome = run.grow() ? run.run(context) : INVALID;
    this.giveContext(context);
    this.deliver(outcome as Result, run, sink);
    return true;
  }

  reset(): void {
    this.isStale = true;
  }

  protected override takeContext(): ZlibContext {
    if (this.isStale) {
      this.isStale = false;
      this.resetKept();
    }
    return super.takeContext();
  }

  protected beginRun(run: DeflateRun): boolean {
    const began = run.begin(this.input, 0, this.input.length);
    this.input = EMPTY;
    return began;
  }

  protected tell(result: Result, run: DeflateRun, sink: DeflateSink): void {
    if (result === DONE) return sink.onDeflated(run.output.bytes, 0, run.payload);
    // The context stopped in the middle of a message that the peer will not see.
    this.isStale = true;
    sink.onDeflateFailed(new Error('no memory is left to compress a message'));
  }

  protected override dropWork(): void {
    this.input = EMPTY;
    super.dropWork();
  }
}
