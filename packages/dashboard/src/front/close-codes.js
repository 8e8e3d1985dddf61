/** RFC 6455 §7.4.1 and the registry of close codes, in a few words. */
const MEANINGS = new Map([
  [1000, 'normal closure'],
  [1001, 'the server is going away'],
  [1002, 'protocol error'],
  [1003, 'a kind of data that is not accepted'],
  [1005, 'without a code'],
  [1006, 'without a closing handshake'],
  [1007, 'text that is no UTF-8'],
  [1008, 'against the policy of the server'],
  [1009, 'message too big'],
  [1010, 'an extension is missing'],
  [1011, 'the server failed'],
  [1012, 'the server restarts'],
  [1013, 'try again later'],
  [1014, 'a gateway got a bad answer'],
]);

/** @param {number} code */
export function meaningOf(code) {
  return MEANINGS.get(code) ?? (code >= 4000 ? 'of the application' : code >= 3000 ? 'of a framework' : 'not assigned');
}

/**
 * The code to close with, as a page may choose it (WHATWG WebSockets: 1000, or 3000 to 4999).
 * @param {string} text
 * @returns {number | undefined} undefined where it is none
 */
export function readCloseCode(text) {
  const code = /^\d{4}$/.test(text.trim()) ? Number(text) : Number.NaN;
  return code === 1000 || (code >= 3000 && code <= 4999) ? code : undefined;
}
