import { WireError } from './errors.ts';
import { quote } from './quote.ts';

const IDEMPOTENCY_KEY = /^[!-~]{1,128}$/;
const MAX_STATE_KEY = 255;

/**
 * Reads an Idempotency-Key: 1 to 128 printable ASCII characters, taken as they are.
 * @throws {WireError} `PB_IDEMPOTENCY_KEY`
 */
export function checkIdempotencyKey(value: unknown): string {
  if (typeof value === 'string' && IDEMPOTENCY_KEY.test(value)) return value;
  const shown = typeof value === 'string' ? quote(value) : 'no text';
  throw new WireError(
    'PB_IDEMPOTENCY_KEY',
    `the idempotency key is ${shown}: give 1 to 128 printable ASCII characters`,
  );
}

/**
 * Reads the key of what a publication is the newest state of: text of 1 to 255 characters.
 * @throws {WireError} `PB_MESSAGE_INVALID`
 */
export function parseStateKey(value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_STATE_KEY && !/[\r\n]/.test(value)) return value;
  throw new WireError('PB_MESSAGE_INVALID', `key is text of 1 to ${MAX_STATE_KEY} characters on one line`);
}
