import { constants } from 'node:zlib';
import { DeflateRun } from './deflate-run.ts';
import { InflateRun } from './inflate-run.ts';
import { ZlibContext, type ZlibSettings } from './zlib-handle.ts';
import { MOST_JOBS, ZlibJobs } from './zlib-jobs.ts';

/** After these a reset makes a context as good as new; others come of zlib itself, mostly of want of memory. */
const MENDABLE: ReadonlySet<number> = new Set([0, constants.Z_DATA_ERROR, constants.Z_BUF_ERROR]);

/**
 * The zlib contexts of one kind, for connections that take nothing over. On the event loop one is enough for all of
 * them, as each is done with it before the next begins; jobs off it take further ones.
 */
export class ContextPool {
  readonly settings: ZlibSettings;
  private readonly idle: ZlibContext[] = [];
  private readonly spare: Spare;

  constructor(settings: ZlibSettings, spare: Spare) {
    this.settings = settings;
    this.spare = spare;
  }

  /** One for a connection to keep. */
  create(): ZlibContext {
    return new ZlibContext(this.settings);
  }

  /** A context with an empty window. */
  take(): ZlibContext {
    const context = this.idle.pop();
    if (context === undefined) return this.create();
    if (this.idle.length > 0) this.spare.count--;
    context.reset();
    return context;
  }

  /** Not for one that failed off the event loop: see {@link ZlibContext.reset}. */
  give(context: ZlibContext): void {
    if (!MENDABLE.has(context.errno)) {
      context.close();
    } else if (this.idle.length === 0) {
      this.idle.push(context);
    } else if (this.spare.count < MOST_JOBS) {
      this.spare.count++;
      this.idle.push(context);
    } else {
      context.close();
    }
  }
}

/** Contexts that wait beside the first one of each kind, over all kinds. */
interface Spare {
  count: number;
}

/** As many as the thread pool works on at once, unless its size was set: further jobs only wait there. */
const MOST_IDLE_RUNS = 4;

/** What is made once and used again; a few are kept. */
export class FreeList<T> {
  private readonly items: T[] = [];
  private readonly make: () => T;

  constructor(make: () => T) {
    this.make = make;
  }

  take(): T {
    return this.items.pop() ?? this.make();
  }

  give(item: T): void {
    if (this.items.length < MOST_IDLE_RUNS) this.items.push(item);
  }
}

/** What all connections of the process share for compression: contexts, memory for what comes out, and turns. */
export class ZlibPools {
  /** The one that everything outside tests uses. */
  static readonly ofProcess: ZlibPools = new ZlibPools();

  readonly jobs: ZlibJobs;
  readonly inflateRuns: FreeList<InflateRun> = new FreeList(() => new InflateRun());
  readonly deflateRuns: FreeList<DeflateRun> = new FreeList(() => new DeflateRun());
  private readonly spare: Spare = { count: 0 };
  private readonly pools = new Map<string, ContextPool>();

  constructor(jobs: ZlibJobs = new ZlibJobs()) {
    this.jobs = jobs;
  }

  contexts(settings: ZlibSettings): ContextPool {
    const { mode, windowBits, level, memLevel, strategy } = settings;
    const key = `${mode} ${windowBits} ${level} ${memLevel} ${strategy}`;
    let pool = this.pools.get(key);
    if (pool === undefined) {
      pool = new ContextPool(settings, this.spare);
      this.pools.set(key, pool);
    }
    return pool;
  }
}
