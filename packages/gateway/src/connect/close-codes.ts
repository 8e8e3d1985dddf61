/** What the codes mean, in a word or two (RFC 6455 §7.4.1, and the registry of IANA). */
const MEANINGS: Readonly<Record<number, string>> = {
  1000: 'normal',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1005: 'no code',
  1006: 'no closing handshake',
  1007: 'invalid data',
  1008: 'policy violation',
  1009: 'message too big',
  1010: 'extension missing',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
  1014: 'bad gateway',
};

/** `1000 (normal)`, `4001` */
export function describeCode(code: number): string {
  const meaning = MEANINGS[code];
  return meaning === undefined ? String(code) : `${code} (${meaning})`;
}
