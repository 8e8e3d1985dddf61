const ROW = 16;
/** Rows that are put together at once: a dump takes five times the memory of what it shows. */
const ROWS_AT_ONCE = 1024;

/** The bytes as `hexdump -C` shows them, in pieces of whole lines; each line ends in a line feed. */
export function* hexDump(bytes: Uint8Array): Generator<string> {
  let piece = '';
  for (let at = 0, rows = 1; at < bytes.length; at += ROW, rows++) {
    piece += row(bytes.subarray(at, at + ROW), at);
    if (rows % ROWS_AT_ONCE !== 0) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

function row(bytes: Uint8Array, offset: number): string {
  const hex = spacedHex(bytes);
  // A gap after the eighth, so that the eye finds its way.
  const halves = hex.length > 23 ? `${hex.slice(0, 23)}  ${hex.slice(24)}` : hex;
  const characters = Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'));
  return `${offset.toString(16).padStart(8, '0')}  ${halves.padEnd(48)}  |${characters.join('')}|\n`;
}

/** `00 ff 7f` */
export function spacedHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** Reads hexadecimal digits: `00ff`, `00 ff`, `00:ff` or `0x00 0xff`; undefined where it is something else. */
export function parseHex(text: string): Uint8Array | undefined {
  const digits = text.replaceAll(/\b0x/gi, '').replaceAll(/[\s:,]/g, '');
  return /^(?:[\da-f]{2})*$/i.test(digits) ? Buffer.from(digits, 'hex') : undefined;
}
