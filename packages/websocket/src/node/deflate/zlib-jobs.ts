import { AsyncResource } from 'node:async_hooks';

/** Most jobs of zlib that the process runs at once; the thread pool has other work too. */
export const MOST_JOBS = 10;

/** Something that takes its turn among the jobs of the process. */
export interface QueuedJob {
  /** Has its turn now, until it calls `ended`. */
  begin(): void;
}

/** The turns of all jobs off the event loop: some run, the others wait in the order they came. */
export class ZlibJobs {
  private readonly most: number;
  private readonly queue = new Set<QueuedJob>();
  private active = 0;

  constructor(most: number = MOST_JOBS) {
    this.most = most;
  }

  get running(): number {
    return this.active;
  }

  get waiting(): number {
    return this.queue.size;
  }

  get isFull(): boolean {
    return this.active >= this.most;
  }

  submit(job: QueuedJob): void {
    if (this.isFull) this.queue.add(job);
    else this.begin(job);
  }

  /** @returns whether the job was still waiting; if not, it runs or has run */
  withdraw(job: QueuedJob): boolean {
    return this.queue.delete(job);
  }

  /** To be called once by each job that began. */
  ended(): void {
    this.active--;
    for (const job of this.queue) {
      if (this.isFull) return;
      this.queue.delete(job);
      this.begin(job);
    }
  }

  private begin(job: QueuedJob): void {
    this.active++;
    job.begin();
  }
}

/**
 * Where a result is told: in the caller's own asynchronous context, as on the event loop, and not in that of whoever
 * used the pooled zlib context first. (AsyncLocalStorage may hold who the user is.)
 */
export class CallerScope extends AsyncResource {
  constructor() {
    super('PULSEBEACON_ZLIB', { requireManualDestroy: false });
  }
}
