const number = new Intl.NumberFormat('en-US');

/** @param {number} value */
export const count = (value) => number.format(value);

/**
 * A number that must fit: 999, 12.3k, 4.5M.
 * @param {number} value
 */
export function shortCount(value) {
  if (value < 10_000) return count(value);
  const [divisor, unit] = value < 1_000_000 ? [1000, 'k'] : [1_000_000, 'M'];
  const short = value / divisor;
  return `${short < 100 ? short.toFixed(1) : Math.round(short)}${unit}`;
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} KiB`;
}

/** @param {number} ms */
export function milliseconds(ms) {
  return `${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : count(Math.round(ms))} ms`;
}

/**
 * A time that may be long: 1.20 ms, 340 ms, 2.6 s.
 * @param {number} ms
 */
export const duration = (ms) => (ms < 1000 ? milliseconds(ms) : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`);

/**
 * The time of day, to the millisecond.
 * @param {Date} date
 */
export function timeOfDay(date) {
  const pad = (/** @type {number} */ value, length = 2) => String(value).padStart(length, '0');
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}

/**
 * Bytes as people write them: `48656c6c6f`, `48 65 6c 6c 6f`, `0x48, 0x65`.
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer> | undefined} undefined where it is not hexadecimal
 */
export function parseHex(text) {
  const digits = text.replace(/0x|[\s,:_-]/gi, '');
  if (digits.length % 2 !== 0 || /[^\da-f]/i.test(digits)) return undefined;
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) =>
    Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16),
  );
}

/** @param {Uint8Array} bytes */
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

/**
 * Bytes as ASCII, with a dot for those that show nothing.
 * @param {Uint8Array} bytes
 */
export const toAscii = (bytes) =>
  Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('');
