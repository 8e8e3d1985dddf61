import type {
  Broker,
  BrokerGuarantees,
  BrokerSink,
  HistoryPage,
  HistoryQuery,
  Lease,
  NewPublication,
  PublishOptions,
  Receipt,
} from '@pulsebeacon/hub';
import { LeaseTable, NodeListeners, SinkRegistry } from '@pulsebeacon/hub/broker-parts';
import type { Position, Publication } from '@pulsebeacon/wire';
import { Agenda } from './agenda.ts';
import { ChannelTable } from './channel-table.ts';
import { Group } from './group.ts';
import { type FsyncPolicy, Store } from './store.ts';
import { StoreError } from './store-error.ts';
import { Sweep } from './sweep.ts';

const MIB = 1024 * 1024;
const SWEEP_MS = 1000;
/** Of one transaction: who comes first waits for all. */
const LARGEST_GROUP = 4096;
const POLICIES: readonly FsyncPolicy[] = ['grouped', 'each', 'off'];

export interface LmdbBrokerOptions {
  /** The folder for the data; it is made where there is none. One process has it at a time. */
  readonly path: string;
  /**
   * When what is published is safe, before its receipt is given and anybody is told of it:
   *
   * - `grouped` (default): publications that come while others are being written make one transaction, with one fsync.
   *   Neither the end of the process nor that of the machine takes back what has a receipt or was delivered.
   * - `each`: the same, with a transaction and an fsync for each. Slower, and no safer; latency is steadier.
   * - `off`: receipts are given when the operating system has the data; it is written to disk soon after. The end of the
   *   process, kill -9 too, loses nothing. The end of the machine loses what was published last: a new epoch begins, and
   *   all subscribers that come back are told that they may have missed something.
   */
  readonly fsync?: FsyncPolicy;
  /** Bytes that publications may take in memory, so that histories need not be read from disk. Default 64 MiB. */
  readonly cacheBytes?: number;
  /** Bytes of address space for the data at first. It grows by itself. Default 64 MiB. */
  readonly mapSize?: number;
}

/** What waits for a transaction. */
interface Job {
  /** @returns what is to happen once it is committed */
  readonly prepare: (group: Group) => () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Keeps channels in an LMDB database in a folder: history, positions, the epoch, leases, claims and idempotency keys
 * survive the end of the process, kill -9 too. For one process; its hubs may share one LmdbBroker.
 *
 * Publications are ordered when they are written, one transaction after the other. Only when a transaction is committed,
 * and synced unless `fsync` is `off`, are sinks told, and then receipts given: nobody has seen what is lost in a crash,
 * and no offset is given twice. Where a transaction fails, none of its publications has been published.
 */
export class LmdbBroker implements Broker {
  readonly guarantees: BrokerGuarantees = { durable: true, recoverable: true };
  private readonly store: Store;
  private readonly table: ChannelTable;
  private readonly agenda: Agenda;
  private readonly sinks = new SinkRegistry();
  private readonly nodes = new NodeListeners();
  private readonly held: LeaseTable;
  private readonly perGroup: number;
  private readonly sweeping: NodeJS.Timeout;
  /** Leases that have run out and are on disk still. */
  private ended: string[] = [];
  private waiting: Job[] = [];
  private isBusy = false;
  private mustSweep = false;
  private closing: (() => void) | undefined;
  private isClosed = false;

  private constructor(store: Store, fsync: FsyncPolicy, cacheBytes: number) {
    this.store = store;
    this.perGroup = fsync === 'each' ? 1 : LARGEST_GROUP;
    this.table = new ChannelTable(store, cacheBytes);
    this.agenda = new Agenda(store);
    this.held = new LeaseTable((key) => this.ended.push(key));
    for (const { value } of store.held.getRange({})) {
      const [key, text, expires] = JSON.parse(value.toString()) as [string, string, number];
      this.held.take(key, text, expires);
    }
    this.sweeping = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  /**
   * Opens the data in a folder, or begins them.
   * @throws {StoreError} `PB_STORE_IN_USE` where another process has it; `PB_STORE_FOLDER` where it cannot be written;
   *   `PB_STORE_FOREIGN`, `PB_STORE_NEWER`, `PB_STORE_CORRUPT` where what is there is not for us; `PB_STORE_OPTION`
   */
  static async open(options: LmdbBrokerOptions): Promise<LmdbBroker> {
    const { path, fsync = 'grouped', cacheBytes = 64 * MIB, mapSize = 64 * MIB } = options;
    if (!POLICIES.includes(fsync)) {
      throw new StoreError('PB_STORE_OPTION', `fsync is ${JSON.stringify(fsync)}: give one of ${POLICIES.join(', ')}`);
    }
    for (const [name, value] of Object.entries({ cacheBytes, mapSize })) {
      if (Number.isSafeInteger(value) && value >= 0) continue;
      throw new StoreError('PB_STORE_OPTION', `${name} is ${value}: give a number of bytes`);
    }
    const store = await Store.open(path, fsync, mapSize);
    return new LmdbBroker(store, fsync, cacheBytes);
  }

  publish(channel: string, publication: NewPublication, options: PublishOptions): Promise<Receipt> {
    return this.enqueue<Receipt>((group, resolve) => {
      const published = group.publish(channel, publication, options);
      if (!('publication' in published)) return () => resolve(published);
      return () => {
        const { epoch, offset, time } = published.publication;
        this.table.apply(published.state, published.publication);
        this.sinks.publication(published.publication);
        resolve({ epoch, offset, time, duplicate: false });
      };
    });
  }

  subscribe(channel: string, sink: BrokerSink, since?: Position): void {
    const after = this.table.topOf(channel);
    this.sinks.add(channel, sink, after, since === undefined ? [] : this.missed(channel, since));
  }

  unsubscribe(channel: string, sink: BrokerSink): void {
    this.sinks.delete(channel, sink);
  }

  history(channel: string, query: HistoryQuery): HistoryPage {
    return this.table.page(channel, query, Date.now());
  }

  signal(channel: string, data: string): void {
    this.sinks.signal(channel, data);
  }

  lease(key: string, ttlMs: number, value: string): Promise<void> {
    const expires = Date.now() + ttlMs;
    return this.enqueue((group, resolve) => {
      group.lease(key, value, expires);
      return () => {
        this.held.take(key, value, expires);
        resolve();
      };
    });
  }

  release(key: string): Promise<void> {
    return this.enqueue((group, resolve) => {
      group.release(key);
      return () => {
        this.held.release(key);
        resolve();
      };
    });
  }

  leases(prefix: string): readonly Lease[] {
    return this.held.list(prefix, Date.now());
  }

  claim(key: string, ttlMs: number): Promise<boolean> {
    return this.enqueue<boolean>((group, resolve) => {
      const isTaken = group.claim(key, ttlMs);
      return () => resolve(isTaken);
    });
  }

  listen(node: string, handler: (message: string) => void): () => void {
    return this.nodes.listen(node, handler);
  }

  notify(node: string, message: string): void {
    this.nodes.notify(node, message);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.sweeping);
    await new Promise<void>((resolve) => {
      this.closing = resolve;
      if (!this.isBusy) resolve();
    });
    this.sinks.clear();
    this.nodes.clear();
    await this.store.close();
  }

  private missed(channel: string, position: Position): readonly Publication[] | 'gap' {
    const page = this.history(channel, { since: { position }, limit: Number.MAX_SAFE_INTEGER });
    return page.complete ? page.publications : 'gap';
  }

  private enqueue<T>(prepare: (group: Group, resolve: (value: T) => void) => () => void): Promise<T> {
    if (this.isClosed) {
      return Promise.reject(new StoreError('PB_STORE_CLOSED', `the store in ${this.store.folder} is closed`));
    }
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({ prepare: (group) => prepare(group, resolve), reject });
      this.start();
    });
  }

  private start(): void {
    if (this.isBusy) return;
    this.isBusy = true;
    // What is asked for in the same turn goes along.
    setImmediate(() => void this.run());
  }

  /** Writes what waits, a transaction after the other, until nothing does. */
  private async run(): Promise<void> {
    while (this.waiting.length > 0 || this.mustSweep) {
      if (this.mustSweep) await this.runSweep();
      const jobs = this.waiting.splice(0, this.perGroup);
      if (jobs.length > 0) await this.runGroup(jobs);
      // Whoever had an answer may ask again at once, and go along with the next.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.isBusy = false;
    this.closing?.();
  }

  private async runGroup(jobs: readonly Job[]): Promise<void> {
    const group = new Group(this.store, this.table, this.agenda);
    const effects: (() => void)[] = [];
    try {
      this.store.refresh();
      for (const { prepare } of jobs) effects.push(prepare(group));
      await this.store.commit(group.seal());
    } catch (error) {
      for (const { reject } of jobs) reject(error);
      return;
    }
    group.apply();
    for (const effect of effects) effect();
    group.settle();
  }

  private sweep(): void {
    this.held.sweep(Date.now());
    this.mustSweep = true;
    this.start();
  }

  private async runSweep(): Promise<void> {
    this.mustSweep = false;
    this.table.letGo();
    try {
      this.store.refresh();
      const sweep = new Sweep(this.store, this.table, this.agenda, (channel) => this.sinks.has(channel));
      const { ended } = this;
      this.ended = [];
      // Who has renewed a lease in the last moment holds it.
      for (const key of ended) if (!this.held.has(key)) sweep.endLease(key);
      if (sweep.writes.length === 0) return;
      await this.store.commit(sweep.writes);
      sweep.apply();
      this.mustSweep = sweep.isFull;
    } catch {
      // Whoever publishes is told of it. What has expired is not shown, and is looked for again.
    }
  }
}
