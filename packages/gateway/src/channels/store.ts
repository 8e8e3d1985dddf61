import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { LmdbBroker } from '@pulsebeacon/broker-lmdb';
import { type Broker, MemoryBroker } from '@pulsebeacon/hub';
import { codeOf, Failure } from '../failure.ts';
import type { StoreSettings } from '../settings.ts';

const SECRET_BYTES = 32;
const OWNER_ALONE = 0o600;

/** Where channels are kept, and the secret of the sessions that outlives a restart with them. */
export interface Store {
  readonly broker: Broker;
  readonly sessionKey: Uint8Array;
  /** For people: `/srv/data (LMDB, …)`. */
  readonly description: string;
}

/**
 * Opens the store that the settings name.
 * @throws {Failure} a sentence that names the folder and the remedy
 */
export async function openStore({ folder, fsync }: StoreSettings): Promise<Store> {
  if (folder === undefined) {
    return {
      broker: new MemoryBroker(),
      sessionKey: randomBytes(SECRET_BYTES),
      description: 'in memory; a restart forgets everything',
    };
  }
  const broker = await openLmdb(path.join(folder, 'channels'), fsync);
  try {
    return { broker, sessionKey: readSessionKey(folder), description: `${folder} (LMDB, ${FSYNC_TEXTS[fsync]})` };
  } catch (error) {
    await broker.close();
    throw error;
  }
}

const FSYNC_TEXTS = {
  grouped: 'on disk before it is acknowledged',
  each: 'on disk before it is acknowledged, one by one',
  off: 'written by the system when it likes',
} as const;

async function openLmdb(folder: string, fsync: StoreSettings['fsync']): Promise<LmdbBroker> {
  // Loaded where it is used: --memory need not wait for it, nor have what of it is native.
  const lmdb = await import('@pulsebeacon/broker-lmdb').catch((error: unknown) => {
    throw new Failure(
      `cannot load LMDB, which keeps channels on disk: ${(error as Error).message}; --memory needs none`,
    );
  });
  try {
    return await lmdb.LmdbBroker.open({ path: folder, fsync });
  } catch (error) {
    throw new Failure(`${(error as Error).message}; --data takes another folder, --memory needs none`);
  }
}

/** Random, made once, readable by its owner alone: sessions begun before a restart can be returned to after it. */
function readSessionKey(folder: string): Uint8Array {
  const file = path.join(folder, 'session.key');
  try {
    const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url');
    if (key.length >= SECRET_BYTES) return key;
    throw new Failure(`${file} is no session key: remove it, and a new one is made (sessions begin anew)`);
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (codeOf(error) !== 'ENOENT') {
      throw new Failure(`cannot read ${file}: ${(error as Error).message}; it is to be a file that this user may read`);
    }
  }
  const key = randomBytes(SECRET_BYTES);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${key.toString('base64url')}\n`, { mode: OWNER_ALONE, flag: 'wx' });
  return key;
}
