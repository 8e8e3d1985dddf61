import { WireError } from './errors.ts';
import { show } from './quote.ts';

const IDEMPOTENCY_KEY = /^[!-~]{1,128}$/;
const MAX_STATE_KEY = 255;

/**
 * Reads an Idempotency-Key: 1 to 128 printable ASCII characters, taken as they are.
 * @throws {WireError} `PB_IDEMPOTENCY_KEY`
 */
export function checkIdempotencyKey(value: unknown): string {
  if (typeof value === 'string' && IDEMPOTENCY_KEY.test(value)) return value;
  throw new WireError(
    'PB_IDEMPOTENCY_KEY',
    `the idempotency key is ${show(value)}: give 1 to 128 printable ASCII characters, none of them a space`,
  );
}

/** A lone surrogate has no form in UTF-8: two keys would become one. A line end or control character cannot be shown. */
const NOT_IN_STATE_KEY = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

/**
 * Reads the key of what a publication is the newest state of: text of 1 to 255 characters (UTF-16 code units), on one
 * line, without control characters.
 * @throws {WireError} `PB_COMMAND_INVALID`
 */
export function parseStateKey(value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_STATE_KEY && !NOT_IN_STATE_KEY.test(value)) {
    return value;
  }
  const allowed = `text of 1 to ${MAX_STATE_KEY} characters, on one line`;
  throw new WireError('PB_COMMAND_INVALID', `key is ${show(value)}: give ${allowed}`);
}
