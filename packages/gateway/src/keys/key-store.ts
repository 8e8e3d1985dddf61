import {
  closeSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { codeOf, Failure } from '../failure.ts';
import { type KeyRecord, readKeyRecord, type Right } from './key-record.ts';
import { generateKey, hashOf } from './key-text.ts';

const VERSION = 1;
const OWNER_ALONE = 0o600;
const LOCK_TRIES = 100;
const LOCK_WAIT_MS = 20;

/** What a new key may do. */
export interface NewKey {
  readonly rights: readonly Right[];
  readonly channels: readonly string[];
  readonly comment?: string;
}

/** The keys of a data folder: `keys.json`, which is always whole, and readable by its owner alone. */
export class KeyStore {
  readonly file: string;

  /** @param folder the data folder; it is made when the first key is */
  constructor(folder: string) {
    this.file = path.join(folder, 'keys.json');
  }

  /** All keys, revoked ones too; none where there is no file. @throws {Failure} the file is not what it should be */
  list(): readonly KeyRecord[] {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw new Failure(`cannot read the keys in ${this.file}: ${(error as Error).message}`);
    }
    return parseKeys(text, this.file);
  }

  /** Makes a key. Its text is nowhere but in what is returned. */
  create({ rights, channels, comment }: NewKey): { readonly text: string; readonly record: KeyRecord } {
    const { id, secret, text } = generateKey();
    const created = new Date().toISOString();
    const record: KeyRecord = {
      id,
      hash: hashOf(secret),
      rights,
      channels,
      ...(comment === undefined ? {} : { comment }),
      created,
    };
    this.change((keys) => [...keys, record]);
    return { text, record };
  }

  /** From now on the key is worth nothing. Its record stays, so that one sees what became of it. */
  revoke(id: string): KeyRecord {
    let found: KeyRecord | undefined;
    this.change((keys) => {
      const at = keys.findIndex((key) => key.id === id);
      const key = keys[at];
      if (key === undefined)
        throw new Failure(`there is no key ${id} in ${this.file}: pulsebeacon keys list shows them`);
      if (key.revoked !== undefined) throw new Failure(`the key ${id} has been revoked before, at ${key.revoked}`);
      found = { ...key, revoked: new Date().toISOString() };
      return keys.with(at, found);
    });
    return found!;
  }

  /** One at a time: what two programs change at once would otherwise be what the later one wrote. */
  private change(apply: (keys: readonly KeyRecord[]) => readonly KeyRecord[]): void {
    const folder = path.dirname(this.file);
    const lock = `${this.file}.lock`;
    attempt(`cannot make the folder ${folder}`, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
    const held = this.lock(lock);
    try {
      this.write(apply(this.list()));
    } finally {
      closeSync(held);
      rmSync(lock, { force: true });
    }
  }

  private lock(lock: string): number {
    for (let tries = 1; ; tries++) {
      try {
        return openSync(lock, 'wx', OWNER_ALONE);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw new Failure(`cannot write ${lock}: ${(error as Error).message}`);
        if (tries === LOCK_TRIES) {
          throw new Failure(`another program changes ${this.file}: try again; if there is none, remove ${lock}`);
        }
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_WAIT_MS);
    }
  }

  /** Whole or not at all: a file beside it, on the disk before it takes the place. */
  private write(keys: readonly KeyRecord[]): void {
    const beside = `${this.file}.new`;
    attempt(`cannot write ${this.file}`, () => {
      rmSync(beside, { force: true });
      const descriptor = openSync(beside, 'wx', OWNER_ALONE);
      try {
        giveToOwner(descriptor, path.dirname(this.file));
        writeFileSync(descriptor, `${JSON.stringify({ version: VERSION, keys }, undefined, 2)}\n`);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      renameSync(beside, this.file);
    });
  }
}

/** What root makes (`sudo pulsebeacon keys create`) is for whoever owns the folder: the server, which has to read it. */
function giveToOwner(descriptor: number, folder: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  fchownSync(descriptor, uid, gid);
}

function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(`${what}: ${(error as Error).message}`);
  }
}

/** Reads the text of a key store. @throws {Failure} what is wrong with it */
function parseKeys(text: string, file: string): readonly KeyRecord[] {
  const fail = (why: string): Failure =>
    new Failure(`${file} is not a key store: ${why}. Put a copy of it back, or remove it and make new keys`);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw fail((error as Error).message);
  }
  const { version, keys } = (content ?? {}) as { version?: unknown; keys?: unknown };
  if (typeof version === 'number' && version > VERSION) {
    throw new Failure(`${file} was written by a later version of pulsebeacon (${version}): use that one`);
  }
  if (version !== VERSION || !Array.isArray(keys)) throw fail(`it lacks "version": ${VERSION} and a list of keys`);
  const records = new Map<string, KeyRecord>();
  for (const entry of keys) {
    const record = readKeyRecord(entry);
    if (typeof record === 'string') throw fail(record);
    if (records.has(record.id)) throw fail(`it has the key ${record.id} twice`);
    records.set(record.id, record);
  }
  return [...records.values()];
}
