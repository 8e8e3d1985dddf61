import { generateKey, hashOf } from '../keys/key-text.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import { KeyRing } from '../keys/key-ring.ts';
import { KeyStore, type NewKey } from '../keys/key-store.ts';
import { isLoopbackHost } from '../listen/loopback.ts';
import type { ListenTarget } from '../listen/target.ts';
import type { Log } from '../log/log.ts';
import type { GatewaySettings } from '../settings.ts';

const FIRST_KEY: NewKey = {
  rights: ['publish', 'subscribe', 'admin'],
  channels: ['*'],
  comment: 'made at the first start',
};

/** The keys of a server that starts. */
export interface OpenedKeys {
  readonly ring: KeyRing;
  /** The text of a key that was made just now, because others can reach the server and nobody had a key. */
  readonly made: string | undefined;
}

/**
 * Opens the keys of the store and of the configuration file. Where other machines can reach the server, by themselves or by a
 * proxy on this one, nobody has a key
 * and not everybody may publish, one is made: without it nobody there could.
 * @throws {Failure} the store is there and cannot be read
 */
export function openKeys(settings: GatewaySettings, log: Log): OpenedKeys {
  const { store, keys, targets, anonymous, trustedProxies } = settings;
  const isReachable = trustedProxies !== undefined || !targets.every(isLocal);
  const keyStore = store.folder === undefined ? undefined : new KeyStore(store.folder);
  const onProblem = (sentence: string): void => log.error(sentence);
  const ring = new KeyRing({ store: keyStore, configured: keys, onProblem });
  if (anonymous || ring.size > 0 || !isReachable) return { ring, made: undefined };
  if (keyStore !== undefined) {
    const { text } = keyStore.create(FIRST_KEY);
    return { ring: new KeyRing({ store: keyStore, configured: keys, onProblem }), made: text };
  }
  // Nothing is kept: it holds until the program ends.
  const { id, secret, text } = generateKey();
  const record: KeyRecord = { id, hash: hashOf(secret), ...FIRST_KEY };
  return { ring: new KeyRing({ configured: [...keys, record] }), made: text };
}

function isLocal({ where }: ListenTarget): boolean {
  return where.kind === 'unix' || isLoopbackHost(where.host);
}
