import { CallerScope, type QueuedJob, type ZlibJobs } from './zlib-jobs.ts';

const IDLE = 0;
const WAITING = 1;
const RUNNING = 2;

/**
 * One half of one connection, as far as its messages leave the event loop: one message at a time, a turn among the
 * jobs of the process for it, and a close that may come at any moment.
 */
export abstract class JobTaker<Sink> implements QueuedJob {
  protected isClosed = false;
  private readonly jobs: ZlibJobs;
  private status: typeof IDLE | typeof WAITING | typeof RUNNING = IDLE;
  private sink: Sink | undefined;
  private scope: CallerScope | undefined;

  constructor(jobs: ZlibJobs) {
    this.jobs = jobs;
  }

  /** Starts the message at hand off the event loop. */
  protected abstract work(): void;
  /** Lets go of what the message at hand holds. */
  protected abstract dropWork(): void;
  /** Frees what is kept between messages. */
  protected abstract free(): void;
  /** The half was closed while its job runs, which cannot be stopped. */
  protected abstract closeWhileRunning(): void;

  /** Called for every message: the caller keeps the order. */
  protected mustBeReady(): void {
    if (this.isClosed) throw new Error('this half of permessage-deflate is closed');
    if (this.status !== IDLE) throw new Error('one message at a time: the one before is not done');
  }

  protected submit(sink: Sink): void {
    this.sink = sink;
    this.scope = new CallerScope();
    this.status = WAITING;
    this.jobs.submit(this);
  }

  begin(): void {
    this.status = RUNNING;
    this.work();
  }

  /** The job is over. Its result, if somebody still waits for it, is told by `tell`. */
  protected end(tell: (sink: Sink) => void): void {
    const { sink, scope } = this;
    this.status = IDLE;
    this.sink = undefined;
    this.scope = undefined;
    this.jobs.ended();
    if (this.isClosed) this.free();
    else scope!.runInAsyncScope(tell, this, sink!);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.status === RUNNING) return this.closeWhileRunning();
    if (this.status === WAITING) {
      this.jobs.withdraw(this);
      this.status = IDLE;
      this.sink = undefined;
      this.scope = undefined;
      this.dropWork();
    }
    this.free();
  }
}
