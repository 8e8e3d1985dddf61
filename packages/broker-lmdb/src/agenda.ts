import { randomInt } from 'node:crypto';
import { dueKey, timeOf } from './keys.ts';
import type { Store, Write } from './store.ts';

const CHANNEL = 0;
const ONCE = 1;
const LATER_MS = 1000;

/** What is to be looked at, because it may have expired. */
export interface Duty {
  readonly key: Buffer;
  readonly channel: string | undefined;
  /** Keys of the table `once`. */
  readonly once: readonly Buffer[];
}

/**
 * When channels, claims and idempotency keys are to be looked after, in the order of time, on disk: what has expired is
 * found without looking at what has not.
 */
export class Agenda {
  private readonly store: Store;
  /** Begins where no process before did, in all likelihood. */
  private sequence: number = randomInt(2 ** 40);

  constructor(store: Store) {
    this.store = store;
  }

  channel(name: string, time: number): Write {
    return this.write(time, Buffer.concat([Buffer.of(CHANNEL), Buffer.from(name)]));
  }

  /** Keys whose times are rounded up to the same second share a place. */
  *once(keys: readonly { readonly key: Buffer; readonly expires: number }[]): Generator<Write> {
    const seconds = new Map<number, Buffer[]>();
    for (const { key, expires } of keys) {
      const second = Math.ceil(expires / LATER_MS) * LATER_MS;
      const parts = seconds.get(second) ?? [Buffer.of(ONCE)];
      const length = Buffer.alloc(2);
      length.writeUInt16BE(key.length);
      parts.push(length, key);
      seconds.set(second, parts);
    }
    for (const [second, parts] of seconds) yield this.write(second, Buffer.concat(parts));
  }

  /** What is due, the oldest first. */
  due(now: number, limit: number): Duty[] {
    const duties: Duty[] = [];
    for (const { key, value } of this.store.due.getRange({ limit })) {
      const own = Buffer.from(key);
      if (timeOf(own) > now) break;
      if (value[0] === CHANNEL) duties.push({ key: own, channel: value.toString('utf8', 1), once: [] });
      else duties.push({ key: own, channel: undefined, once: keysIn(value) });
    }
    return duties;
  }

  done({ key }: Duty): Write {
    return { table: this.store.due, key, value: undefined };
  }

  private write(time: number, value: Buffer): Write {
    return { table: this.store.due, key: dueKey(time, this.sequence++), value };
  }
}

function keysIn(value: Buffer): Buffer[] {
  const keys: Buffer[] = [];
  for (let at = 1; at < value.length; ) {
    const length = value.readUInt16BE(at);
    keys.push(Buffer.from(value.subarray(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  return keys;
}
