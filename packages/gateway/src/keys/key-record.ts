import { isChannelPattern } from '../config/patterns.ts';

export const RIGHTS = ['publish', 'subscribe', 'admin'] as const;
/** What a key may do; `admin` includes the others. */
export type Right = (typeof RIGHTS)[number];

/** What is kept of a key, in the key store or in the configuration file: never its secret. */
export interface KeyRecord {
  /** Public: it stands in the key, in lists and in logs. */
  readonly id: string;
  /** `sha256:` and the SHA-256 of the secret in hexadecimal digits. */
  readonly hash: string;
  readonly rights: readonly Right[];
  /** Patterns of `ChannelPattern`. */
  readonly channels: readonly string[];
  readonly comment?: string;
  /** When it was made, as ISO 8601; keys of the configuration file have none. */
  readonly created?: string;
  /** Since when it is worth nothing any more. */
  readonly revoked?: string;
}

export const ID: RegExp = /^[A-Za-z0-9]{8}$/;
export const HASH: RegExp = /^sha256:[0-9a-f]{64}$/;

const FIELDS: ReadonlySet<string> = new Set<keyof KeyRecord>([
  'id',
  'hash',
  'rights',
  'channels',
  'comment',
  'created',
  'revoked',
]);

/** Reads an entry of the key store. @returns what is wrong with it, where something is */
export function readKeyRecord(value: unknown): KeyRecord | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'an entry is an object';
  const record = value as Record<keyof KeyRecord, unknown>;
  const unknown = Object.keys(record).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) return `${JSON.stringify(unknown)} is no field of a key`;
  const { id, hash, rights, channels } = record;
  if (!isForm(id, ID)) return 'an id is 8 letters and digits';
  if (!isForm(hash, HASH)) return `the hash of ${id} is not sha256: and 64 hexadecimal digits`;
  if (!isListOf(rights, (right) => (RIGHTS as readonly string[]).includes(right))) {
    return `the rights of ${id} are not a list of ${RIGHTS.join(', ')}`;
  }
  if (!isListOf(channels, isChannelPattern)) {
    return `the channels of ${id} are not a list of names and patterns`;
  }
  for (const name of ['comment', 'created', 'revoked'] as const) {
    if (record[name] !== undefined && typeof record[name] !== 'string') return `${name} of ${id} is not a text`;
  }
  return value as KeyRecord;
}

function isForm(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value);
}

function isListOf(value: unknown, isRight: (entry: string) => boolean): boolean {
  return (
    Array.isArray(value) && value.length > 0 && value.every((entry) => typeof entry === 'string' && isRight(entry))
  );
}
