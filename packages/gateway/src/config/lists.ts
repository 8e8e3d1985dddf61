import type { KeyRecord } from '../keys/key-record.ts';
import { DEFAULT_NAMESPACE, type NamespaceSettings } from '../settings.ts';
import type { FileEntry } from './config-file.ts';

/** The rules of a namespace, complete. @param maxMessageSize where the entry has none of its own */
export function toNamespace({ values }: FileEntry, maxMessageSize: number): NamespaceSettings {
  const D = DEFAULT_NAMESPACE;
  const get = <T>(key: string, byDefault: T): T => (values.get(key)?.value ?? byDefault) as T;
  const subscribe = get('subscribe', D.subscribe);
  return {
    match: get('match', D.match),
    history: { size: get('history.size', D.history.size), ageMs: get('history.age', D.history.ageMs) },
    presence: get('presence', D.presence),
    joinLeave: get('joinLeave', D.joinLeave),
    subscribe,
    publish: get('publish', D.publish),
    readHistory: get('readHistory', subscribe),
    maxMessageSize: get('maxMessageSize', maxMessageSize),
    rate: get('rate', D.rate),
    slowConsumer: get('slowConsumer', D.slowConsumer),
  };
}

/** A key of the file. The schema has seen to it that it is complete. */
export function toKeyRecord({ values }: FileEntry): KeyRecord {
  return Object.fromEntries([...values].map(([key, { value }]) => [key, value])) as unknown as KeyRecord;
}
