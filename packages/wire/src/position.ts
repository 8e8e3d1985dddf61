import { WireError } from './errors.ts';
import { quote } from './quote.ts';

/**
 * A place in the order of a channel: after the publication with this offset. Offsets only grow and may have gaps; what
 * lies between two of them the broker alone can say. In another epoch the same offset is another place.
 */
export interface Position {
  /** 1 to 32 letters, digits, `_` and `-`. */
  readonly epoch: string;
  /** 0, before everything, to 2^53 - 1. */
  readonly offset: number;
}

const POSITION = /^([\w-]{1,32})\.(0|[1-9]\d{0,15})$/;

/** As it stands in URLs, in `id:` of an event stream, and in JSON: `k3f9.17`. Clients take it as it is. */
export function formatPosition({ epoch, offset }: Position): string {
  return `${epoch}.${offset}`;
}

/** @returns undefined where it is none */
export function readPosition(text: string): Position | undefined {
  const match = POSITION.exec(text);
  if (match === null) return undefined;
  const offset = Number(match[2]);
  return Number.isSafeInteger(offset) ? { epoch: match[1]!, offset } : undefined;
}

/** Where to begin: after a position, at everything that is kept, or with what is at most so old. */
export type Since = { readonly position: Position } | { readonly ageMs: number } | 'all';

const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads what `since` takes: a position, `all`, or a duration such as `10m` (`ms`, `s`, `m`, `h`, `d`).
 * @throws {WireError} `PB_POSITION_INVALID`
 */
export function parseSince(text: string): Since {
  if (text === 'all') return 'all';
  const position = readPosition(text);
  if (position !== undefined) return { position };
  const match = DURATION.exec(text);
  if (match !== null) return { ageMs: Math.min(Number(match[1]) * UNIT_MS[match[2]!]!, Number.MAX_SAFE_INTEGER) };
  const forms = 'give a position as it came with a publication, a duration such as 10m, or all';
  throw new WireError('PB_POSITION_INVALID', `since is ${quote(text)}: ${forms}`);
}
