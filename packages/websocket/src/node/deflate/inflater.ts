import { copyBytes } from '../../protocol/bytes.ts';
import type { Inflater, InflateSink } from '../../protocol/platform.ts';
import type { InflateRun } from './inflate-run.ts';
import type { TakeoverGrant } from './memory-budget.ts';
import type { ZlibContext } from './zlib-handle.ts';
import { ZlibHalf } from './zlib-half.ts';
import type { ContextPool, ZlibPools } from './zlib-pools.ts';
import { DONE, FULL, INVALID, type Result } from './zlib-run.ts';

const EMPTY = new Uint8Array(0);

/** The receiving half over a zlib handle. */
export class ZlibInflater extends ZlibHalf<InflateRun, InflateSink> implements Inflater {
  private readonly pools: ZlibPools;
  private readonly inlineLimit: number;
  /** The message that waits for its turn. */
  private input: Uint8Array = EMPTY;
  private limit = 0;

  constructor(pools: ZlibPools, contexts: ContextPool, grant: TakeoverGrant | undefined, inlineLimit: number) {
    super(pools.jobs, contexts, pools.inflateRuns, grant);
    this.pools = pools;
    this.inlineLimit = inlineLimit;
  }

  inflate(bytes: Uint8Array, start: number, end: number, limit: number, sink: InflateSink): boolean {
    this.mustBeReady();
    if (start === end) {
      // Even an empty message has an octet (RFC 7692 §7.2.3.6).
      sink.onInflateFailed('PB_DEFLATE_INVALID');
      return true;
    }
    if (end - start > this.inlineLimit) {
      this.startOff(bytes, start, end, limit, sink);
      return false;
    }
    const run = this.takeRun();
    const context = this.takeContext();
    run.begin(bytes, start, end, limit, this.takesOver);
    const outcome = run.run(context);
    if (outcome === FULL) {
      this.leaveLoop(run, context, bytes, start, end, limit, sink);
      return false;
    }
    this.giveContext(context);
    this.deliver(outcome as Result, run, sink);
    return true;
  }

  protected beginRun(run: InflateRun): boolean {
    run.begin(this.input, 0, this.input.length, this.limit, this.takesOver);
    this.input = EMPTY;
    return true;
  }

  protected tell(result: Result, run: InflateRun, sink: InflateSink): void {
    if (result === DONE) sink.onInflated(run.output.bytes, 0, run.produced);
    else sink.onInflateFailed(result === INVALID ? 'PB_DEFLATE_INVALID' : 'PB_MESSAGE_TOO_BIG');
  }

  protected override dropWork(): void {
    this.input = EMPTY;
    super.dropWork();
  }

  private startOff(bytes: Uint8Array, start: number, end: number, limit: number, sink: InflateSink): void {
    this.input = copyBytes(bytes, start, end);
    this.limit = limit;
    this.submit(sink);
  }

  /**
   * More came out than the event loop should be kept for. Where the message would have to wait for its turn, it begins
   * again when it comes: what waits is then its few compressed bytes, and neither a context nor what came out so far.
   * A context that is kept has moved, and cannot begin again.
   */
  private leaveLoop(
    run: InflateRun,
    context: ZlibContext,
    bytes: Uint8Array,
    start: number,
    end: number,
    limit: number,
    sink: InflateSink,
  ): void {
    if (this.pools.jobs.isFull && !this.takesOver) {
      this.giveContext(context);
      this.giveRun(run);
      this.startOff(bytes, start, end, limit, sink);
    } else {
      run.own();
      this.continueOff(run, context, sink);
    }
  }
}
