import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, realpath, statfs } from 'node:fs/promises';
import path from 'node:path';
import { type Database, open as openEnvironment, type RootDatabase } from 'lmdb';
import { checkDataFile } from './data-file.ts';
import { bootId, inUse, type Owner, refuseIfAlive, removeSocket, SignOfLife } from './owner.ts';
import { corrupt, StoreError } from './store-error.ts';

/** The form of the data as a whole. A store of a later form is left alone. */
const FORMAT = 1;
/** MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_VERSION_MISMATCH, MDB_INVALID. */
const CORRUPT = new Set([-30797, -30796, -30794, -30793]);
const MAP_FULL = -30792;
/** A disk with less than this is full: a group of the largest messages does not fit. */
const ROOM = 1024 * 1024;

export type Table = Database<Buffer, Buffer>;
export type FsyncPolicy = 'grouped' | 'each' | 'off';

/** What is written at once: it is there as a whole, or not at all. */
export interface Write {
  readonly table: Table;
  readonly key: Buffer;
  /** undefined: it is removed. */
  readonly value: Buffer | undefined;
}

/** Folders that this process has open: LMDB opens none twice in one process. */
const openHere = new Set<string>();

/** The LMDB environment in a folder, held by this process alone. */
export class Store {
  readonly folder: string;
  /** Changes only where publications that had a receipt may have been lost. */
  readonly epoch: string;
  readonly segments: Table;
  readonly channels: Table;
  /** Idempotency keys and claims. */
  readonly once: Table;
  /** What is to be looked at when: see `Agenda`. */
  readonly due: Table;
  readonly held: Table;
  readonly floors: Table;
  private readonly root: RootDatabase<Buffer, Buffer>;
  private readonly meta: Table;
  private readonly life: SignOfLife;

  private constructor(folder: string, root: RootDatabase<Buffer, Buffer>, epoch: string, life: SignOfLife) {
    this.folder = folder;
    this.epoch = epoch;
    this.root = root;
    this.life = life;
    this.meta = tableOf(root, 'meta');
    this.segments = tableOf(root, 'segments');
    this.channels = tableOf(root, 'channels');
    this.once = tableOf(root, 'once');
    this.due = tableOf(root, 'due');
    this.held = tableOf(root, 'leases');
    this.floors = tableOf(root, 'floors');
  }

  /** @param mapSize bytes of address space at first; it grows as it is needed */
  static async open(given: string, fsync: FsyncPolicy, mapSize: number): Promise<Store> {
    const folder = await writableFolder(given);
    if (openHere.has(folder)) throw inUse(folder, process.pid);
    openHere.add(folder);
    try {
      return await Store.openFolder(folder, fsync, mapSize);
    } catch (error) {
      openHere.delete(folder);
      throw error;
    }
  }

  private static async openFolder(folder: string, fsync: FsyncPolicy, mapSize: number): Promise<Store> {
    await checkDataFile(path.join(folder, 'data.mdb'), folder);
    const root = environmentIn(folder, fsync, mapSize);
    let life: SignOfLife | undefined;
    try {
      const meta = checkFormat(root, folder);
      const before = readOwner(meta);
      if (before !== undefined) await refuseIfAlive(before, folder);
      life = await SignOfLife.give(folder);
      const owner = { pid: process.pid, socket: life.socket, boot: bootId(), unsynced: fsync === 'off' };
      const epoch = takeOver(root, meta, folder, before, owner);
      if (before !== undefined) await removeSocket(before);
      return new Store(folder, root, epoch, life);
    } catch (error) {
      await life?.end();
      await root.close();
      throw failure(error, folder);
    }
  }

  /**
   * Writes in one transaction. Resolves when it is committed, and, unless the policy is `off`, synced: LMDB's commit
   * syncs the pages before it writes the root that leads to them.
   */
  async commit(writes: readonly Write[]): Promise<void> {
    try {
      await this.root.batch(() => {
        for (const { table, key, value } of writes) {
          if (value === undefined) void table.remove(key);
          else void table.put(key, value);
        }
      });
    } catch (error) {
      const { commitError } = error as { commitError?: Promise<never> };
      const cause: unknown = await (commitError?.catch((reason: unknown) => reason) ?? error);
      throw (await isFull(this.folder)) ? full(this.folder, cause) : failure(cause, this.folder);
    }
  }

  /** Reads that follow see all that was committed. */
  refresh(): void {
    this.root.resetReadTxn();
  }

  /** Says that the end was no accident, where the disk takes it, and lets others have the folder. */
  async close(): Promise<void> {
    try {
      await this.root.flushed;
      this.meta.transactionSync(() => this.meta.removeSync(Buffer.from('owner')));
    } catch {
      // Whoever waited for a write that failed was told. Who comes next finds that nobody answers any more.
    }
    await this.abandon();
  }

  /** Ends as a process that is killed does, as far as the data go. */
  async abandon(): Promise<void> {
    await this.root.close();
    await this.life.end();
    openHere.delete(this.folder);
  }
}

function environmentIn(folder: string, fsync: FsyncPolicy, mapSize: number): RootDatabase<Buffer, Buffer> {
  try {
    return openEnvironment<Buffer, Buffer>({
      path: path.join(folder, 'data.mdb'),
      noSubdir: true,
      maxDbs: 16,
      mapSize,
      keyEncoding: 'binary',
      encoding: 'binary',
      // Each group is a batch of its own: the library leaves a promise of its own making unheard where one fails.
      eventTurnBatching: false,
      // With it, commits are visible before they are synced, and a crash of the machine takes back the last ones.
      overlappingSync: fsync === 'off',
    });
  } catch (error) {
    throw failure(error, folder);
  }
}

function tableOf(root: RootDatabase<Buffer, Buffer>, name: string): Table {
  return root.openDB(name, { keyEncoding: 'binary', encoding: 'binary' });
}

async function writableFolder(given: string): Promise<string> {
  try {
    // What is published is nobody else's to read.
    await mkdir(given, { recursive: true, mode: 0o700 });
    await access(given, constants.R_OK | constants.W_OK | constants.X_OK);
    return await realpath(given);
  } catch (error) {
    const { message } = error as Error;
    const remedy = 'give a folder that this user may write, or make this one writable';
    throw new StoreError('PB_STORE_FOLDER', `the data cannot be kept in ${given} (${message}): ${remedy}`, error);
  }
}

function checkFormat(root: RootDatabase<Buffer, Buffer>, folder: string): Table {
  const names = [...root.getKeys({})].map((key) => Buffer.from(key).toString('utf8').replace(/\0+$/, ''));
  if (names.length > 0 && !names.includes('meta')) {
    const remedy = 'give a folder of its own';
    throw new StoreError('PB_STORE_FOREIGN', `${folder} has an LMDB database of another program: ${remedy}`);
  }
  const meta = tableOf(root, 'meta');
  const format = meta.get(Buffer.from('format'))?.[0] ?? FORMAT;
  if (format <= FORMAT) return meta;
  const versions = `form ${format}, and this version knows up to ${FORMAT}`;
  throw new StoreError('PB_STORE_NEWER', `${folder} was written by a later version (${versions}): use that, or newer`);
}

function readOwner(meta: Table): Owner | undefined {
  const owner = meta.get(Buffer.from('owner'));
  return owner === undefined ? undefined : (JSON.parse(owner.toString()) as Owner);
}

/**
 * Writes down who has the store from now on, if that is still who was asked for a sign of life: LMDB lets one write at a
 * time, of all processes. @returns the epoch
 */
function takeOver(
  root: RootDatabase<Buffer, Buffer>,
  meta: Table,
  folder: string,
  before: Owner | undefined,
  owner: Owner,
): string {
  return root.transactionSync(() => {
    const now = readOwner(meta);
    if (now?.socket !== before?.socket) throw inUse(folder, now?.pid ?? 0);
    const sameBoot = before !== undefined && before.boot !== '' && before.boot === owner.boot;
    const mayHaveLost = before !== undefined && before.unsynced && !sameBoot;
    const known = meta.get(Buffer.from('epoch'))?.toString();
    const epoch = known === undefined || mayHaveLost ? randomBytes(6).toString('base64url') : known;
    meta.putSync(Buffer.from('format'), Buffer.of(FORMAT));
    meta.putSync(Buffer.from('epoch'), Buffer.from(epoch));
    meta.putSync(Buffer.from('owner'), Buffer.from(JSON.stringify(owner)));
    return epoch;
  });
}

/** What LMDB or the system says, in our words. */
function failure(error: unknown, folder: string): StoreError {
  if (error instanceof StoreError) return error;
  const { message, code } = error as { message: string; code?: number | string };
  if (code === MAP_FULL || /ENOSPC|No space left/i.test(message)) return full(folder, error);
  if (CORRUPT.has(Number(code))) return corrupt(folder, message, error);
  return new StoreError('PB_STORE_FAILED', `the store in ${folder} failed: ${message}`, error);
}

function full(folder: string, cause: unknown): StoreError {
  const remedy = 'make room, or keep less (history size and age); publications are taken again then';
  return new StoreError('PB_STORE_FULL', `there is no room for the data in ${folder}: ${remedy}`, cause);
}

/** A write that the disk has no room for is cut short, and LMDB says "Input/output error" to that. */
async function isFull(folder: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize < ROOM;
}
