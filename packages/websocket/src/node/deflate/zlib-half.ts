import { JobTaker } from './job-taker.ts';
import type { TakeoverGrant } from './memory-budget.ts';
import type { ZlibContext, ZlibRunner } from './zlib-handle.ts';
import type { ContextPool, FreeList } from './zlib-pools.ts';
import type { ZlibJobs } from './zlib-jobs.ts';
import { FULL, MORE, type Outcome, type Result, TOO_BIG, type ZlibRun } from './zlib-run.ts';

/** What both halves do alike: whose context it is, steps off the event loop, and giving everything back. */
export abstract class ZlibHalf<Run extends ZlibRun & { finish(): void }, Sink>
  extends JobTaker<Sink>
  implements ZlibRunner
{
  /** Undefined: nothing is taken over, and a context is borrowed for each message. */
  private readonly grant: TakeoverGrant | undefined;
  private readonly pool: ContextPool;
  private readonly runs: FreeList<Run>;
  /** The context that is kept. Made for the first message. */
  private kept: ZlibContext | undefined;
  /** Of the message that is off the event loop. */
  private run: Run | undefined;
  private context: ZlibContext | undefined;

  constructor(jobs: ZlibJobs, pool: ContextPool, runs: FreeList<Run>, grant: TakeoverGrant | undefined) {
    super(jobs);
    this.pool = pool;
    this.runs = runs;
    this.grant = grant;
  }

  /** Begins with the input that was put by. False where there is no memory for it. */
  protected abstract beginRun(run: Run): boolean;
  protected abstract tell(result: Result, run: Run, sink: Sink): void;

  protected get takesOver(): boolean {
    return this.grant !== undefined;
  }

  /** Empties the window that is kept, if there is one. */
  protected resetKept(): void {
    this.kept?.reset();
  }

  protected takeContext(): ZlibContext {
    if (this.grant === undefined) return this.pool.take();
    if (this.kept === undefined) {
      this.kept = this.pool.create();
      this.grant.hold();
    }
    return this.kept;
  }

  protected giveContext(context: ZlibContext): void {
    if (this.grant === undefined) this.pool.give(context);
    else if (context.errno !== 0) this.free();
  }

  protected takeRun(): Run {
    return this.runs.take();
  }

  protected giveRun(run: Run): void {
    run.finish();
    this.runs.give(run);
  }

  /** Hands the result to the sink and takes the memory back, whatever the sink does. */
  protected deliver(result: Result, run: Run, sink: Sink): void {
    try {
      this.tell(result, run, sink);
    } finally {
      this.giveRun(run);
    }
  }

  /** The message goes on off the event loop as far as it came on it. */
  protected continueOff(run: Run, context: ZlibContext, sink: Sink): void {
    this.run = run;
    this.context = context;
    this.submit(sink);
  }

  protected work(): void {
    if (this.run === undefined) {
      this.run = this.takeRun();
      this.context = this.takeContext();
      if (this.beginRun(this.run)) this.run.start(this.context, this);
      else this.failLater();
    } else if (this.run.grow()) {
      this.run.start(this.context!, this);
    } else {
      this.failLater();
    }
  }

  onRun(): void {
    if (this.isClosed) return this.finish(TOO_BIG);
    const run = this.run!;
    let outcome: Outcome = run.settle(this.context!);
    if (outcome === FULL) outcome = run.grow() ? MORE : TOO_BIG;
    if (outcome === MORE) run.start(this.context!, this);
    else this.finish(outcome);
  }

  protected dropWork(): void {
    const { run, context } = this;
    this.run = undefined;
    this.context = undefined;
    if (run !== undefined) this.giveRun(run);
    if (context !== undefined) this.giveContext(context);
  }

  protected free(): void {
    if (this.kept === undefined) return;
    this.kept.close();
    this.kept = undefined;
    this.grant!.drop();
  }

  protected closeWhileRunning(): void {
    this.kept?.close();
  }

  /** `begin` may be called by the very call that has to return before the sink hears of it. */
  private failLater(): void {
    queueMicrotask(() => this.finish(TOO_BIG));
  }

  private finish(result: Result): void {
    const run = this.run!;
    const context = this.context!;
    this.run = undefined;
    this.context = undefined;
    // One that failed counts as busy until this returns: no reset would mend it.
    if (context.errno === 0 || this.takesOver) this.giveContext(context);
    else context.close();
    if (this.isClosed) this.giveRun(run);
    this.end((sink) => this.deliver(result, run, sink));
  }
}
