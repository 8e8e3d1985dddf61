import { timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Action, Grant } from '@pulsebeacon/hub';
import { codeOf, Failure } from '../failure.ts';
import type { KeyRecord, Right } from './key-record.ts';
import type { KeyStore } from './key-store.ts';
import { digestOf, idNumber, KEY_FORM, parseKey } from './key-text.ts';

const ACTIONS: Readonly<Record<Right, readonly Action[]>> = {
  publish: ['publish'],
  subscribe: ['subscribe', 'history'],
  admin: ['publish', 'subscribe', 'history'],
};

/** A key that holds: what whoever brings it may do. Channels are named by their canonical names. */
export class Key {
  readonly id: string;
  readonly isAdmin: boolean;
  /** What it grants in the hub. */
  readonly grants: readonly Grant[];

  constructor({ id, rights, channels }: Pick<KeyRecord, 'id' | 'rights' | 'channels'>) {
    this.id = id;
    this.isAdmin = rights.includes('admin');
    this.grants = [{ actions: [...new Set(rights.flatMap((right) => ACTIONS[right]))], channels }];
  }
}

interface Entry {
  readonly record: KeyRecord;
  readonly digest: Buffer;
  readonly key: Key;
}

/** Of no key: what secrets of unknown ids are compared with. */
const NO_DIGEST = Buffer.alloc(32);
const NO_SECRET = 'A'.repeat(43);
const LOOK_EVERY_MS = 1000;

export interface KeyRingOptions {
  /** The keys that `pulsebeacon keys` makes and revokes; undefined where nothing is kept. */
  readonly store?: KeyStore | undefined;
  /** Those of the configuration file. They go before those of the store that have the same id. */
  readonly configured?: readonly KeyRecord[];
  /** The store became unreadable, and the keys are what they were. Said once for each time that it changes. */
  readonly onProblem?: (sentence: string) => void;
  /** Milliseconds, as `performance.now` has them. */
  readonly now?: () => number;
}

/**
 * The keys that a server takes. It looks at the store when it is asked, once a second at most: what `pulsebeacon keys`
 * changes holds a second later, without a restart.
 */
export class KeyRing {
  private readonly store: KeyStore | undefined;
  private readonly configured: readonly KeyRecord[];
  private readonly onProblem: (sentence: string) => void;
  private readonly now: () => number;
  /** By {@link idNumber}. */
  private entries: ReadonlyMap<number, Entry> = new Map();
  private seen = '';
  private looked: number;

  /** @throws {Failure} the store is there and cannot be read */
  constructor({ store, configured = [], onProblem = () => {}, now = () => performance.now() }: KeyRingOptions) {
    this.store = store;
    this.configured = configured;
    this.onProblem = onProblem;
    this.now = now;
    this.looked = now();
    this.seen = this.stamp();
    this.load();
  }

  /** How many keys hold. */
  get size(): number {
    this.refresh();
    let holding = 0;
    for (const { record } of this.entries.values()) if (record.revoked === undefined) holding++;
    return holding;
  }

  /**
   * The key of this text, or a sentence that says why there is none; only who knows the secret learns that it was revoked.
   * Takes as long for an id that does not exist as for a wrong secret: one digest, one lookup, one comparison of digests in
   * constant time.
   */
  check(text: string): Key | string {
    this.refresh();
    const presented = parseKey(text);
    const entry = presented === undefined ? undefined : this.entries.get(idNumber(presented.id));
    const isSame = timingSafeEqual(digestOf(presented?.secret ?? NO_SECRET), entry?.digest ?? NO_DIGEST);
    if (presented === undefined) return `this is not a key: a key is ${KEY_FORM}`;
    if (entry === undefined || !isSame) {
      return 'this key is not known here: pulsebeacon keys create makes one';
    }
    const { id, revoked } = entry.record;
    if (revoked === undefined) return entry.key;
    return `the key ${id} was revoked at ${revoked}: ask for a new one`;
  }

  /** The key of an id, if it holds: for connections and sessions, which outlive the request that brought the key. */
  get(id: string): Key | undefined {
    this.refresh();
    const entry = this.entries.get(idNumber(id));
    // A number says nothing of what is behind the id.
    return entry?.record.id !== id || entry.record.revoked !== undefined ? undefined : entry.key;
  }

  private refresh(): void {
    if (this.store === undefined) return;
    const now = this.now();
    if (now - this.looked < LOOK_EVERY_MS) return;
    this.looked = now;
    const stamp = this.stamp();
    if (stamp === this.seen) return;
    this.seen = stamp;
    try {
      this.load();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.onProblem(`${error.message}; until then the keys are what they were`);
    }
  }

  private load(): void {
    const records = [...(this.store?.list() ?? []), ...this.configured];
    this.entries = new Map(
      records.map((record) => {
        const digest = Buffer.from(record.hash.slice('sha256:'.length), 'hex');
        return [idNumber(record.id), { record, digest, key: new Key(record) }];
      }),
    );
  }

  /** Changes whenever the store does: it is always a new file that takes the place of the old one. */
  private stamp(): string {
    if (this.store === undefined) return '';
    try {
      const { ino, mtimeNs, size } = statSync(this.store.file, { bigint: true });
      return `${ino}-${mtimeNs}-${size}`;
    } catch (error) {
      // What is wrong with it is said when it is read.
      return String(codeOf(error));
    }
  }
}
