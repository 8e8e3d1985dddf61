import { UsageError } from '../../connection/errors.ts';
import { DeflateMemoryBudget } from './memory-budget.ts';

/** How a server or a client compresses (permessage-deflate, RFC 7692). */
export interface DeflateOptions {
  /**
   * zlib's level, 1 (fastest) to 9. Default 1: for messages of about 1 KiB the higher levels save no more than 5 % of
   * the bytes, as most of what they search for lies in a window that such messages do not have; at 16 KiB level 6
   * saves 14 % for 2.3 times the time.
   */
  level?: number | undefined;
  /** zlib's memLevel, 1 to 9. Default 8; lower ones save less memory in Node's zlib than they should. */
  memLevel?: number | undefined;
  /**
   * Keep the windows from one message to the next: small messages become much smaller, and each connection takes
   * about 310 KiB, as far as `memoryBudget` goes. Connections beyond that go without. Default false.
   */
  takeover?: boolean | undefined;
  /**
   * What all contexts that are kept may take together: bytes for this server or client alone, or a budget that several
   * share. Default: the budget of the process, 64 MiB.
   */
  memoryBudget?: number | DeflateMemoryBudget | undefined;
  /**
   * Bytes up to which a message is compressed, or a compressed one inflated, on the event loop: less work in all than
   * to go off it, and no delay. Default 16 KiB (some 70 µs), at most 1 MiB; 0 does everything off it.
   */
  inlineLimit?: number | undefined;
  /** Bytes below which a message is sent as it is. Default 1024: what fits into one packet gains nothing by less. */
  threshold?: number | undefined;
  /** Base-2 logarithm of the largest window for what the server sends, 8 to 15. Default 15. */
  serverMaxWindowBits?: number | undefined;
  /** Base-2 logarithm of the largest window for what clients send, 8 to 15, where they agree. Default 15. */
  clientMaxWindowBits?: number | undefined;
}

/** All of them, checked. */
export type CheckedDeflateOptions = {
  readonly [Name in keyof DeflateOptions]-?: Exclude<DeflateOptions[Name], undefined>;
} & { readonly memoryBudget: DeflateMemoryBudget };

const DEFAULTS = {
  level: 1,
  memLevel: 8,
  takeover: false,
  inlineLimit: 16 * 1024,
  threshold: 1024,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
} as const satisfies DeflateOptions;

/** What is allowed, and what to do about anything else. */
const RANGES: Record<string, { readonly from: number; readonly to: number; readonly remedy: string }> = {
  level: { from: 1, to: 9, remedy: 'leave permessage-deflate off to send everything uncompressed' },
  memLevel: { from: 1, to: 9, remedy: 'leave it out for 8' },
  inlineLimit: { from: 0, to: 1024 * 1024, remedy: 'larger messages would hold up the event loop' },
  threshold: { from: 0, to: Number.MAX_SAFE_INTEGER, remedy: '0 compresses every message' },
  serverMaxWindowBits: { from: 8, to: 15, remedy: 'leave it out for 15 (RFC 7692 §7.1.2.1)' },
  clientMaxWindowBits: { from: 8, to: 15, remedy: 'leave it out for 15 (RFC 7692 §7.1.2.2)' },
};

/** @throws {UsageError} `PB_OPTION_INVALID` */
export function checkDeflateOptions(options: DeflateOptions): CheckedDeflateOptions {
  if (typeof options !== 'object' || options === null) throw invalid('deflate', options, 'an object of options', '');
  const checked: Record<string, unknown> = { ...DEFAULTS, memoryBudget: DeflateMemoryBudget.ofProcess };
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checked, name)) {
      throw new UsageError(
        'PB_OPTION_INVALID',
        `deflate has no option ${name}: there are ${Object.keys(checked).join(', ')}`,
      );
    }
    if (value === undefined) continue;
    checked[name] = name === 'memoryBudget' ? checkBudget(value) : checkOption(name, value);
  }
  return checked as unknown as CheckedDeflateOptions;
}

function checkOption(name: string, value: unknown): unknown {
  const range = RANGES[name];
  if (range === undefined) {
    if (typeof value === 'boolean') return value;
    throw invalid(name, value, 'true or false', 'see memoryBudget for how many connections get it');
  }
  const { from, to, remedy } = range;
  if (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to) return value;
  throw invalid(name, value, `a whole number from ${from} to ${to}`, remedy);
}

function checkBudget(value: unknown): DeflateMemoryBudget {
  if (value instanceof DeflateMemoryBudget) return value;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return new DeflateMemoryBudget(value);
  throw invalid('memoryBudget', value, 'a whole number of bytes or a DeflateMemoryBudget', '0 never keeps a window');
}

function invalid(name: string, value: unknown, allowed: string, remedy: string): UsageError {
  const shown = typeof value === 'object' && value !== null ? 'an object' : `the ${typeof value} ${String(value)}`;
  const advice = remedy === '' ? '' : ` (${remedy})`;
  return new UsageError('PB_OPTION_INVALID', `deflate option ${name} is ${shown}; it must be ${allowed}${advice}`);
}
