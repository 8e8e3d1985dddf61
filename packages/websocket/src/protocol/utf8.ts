/**
 * UTF-8 as a state machine over bytes (Unicode 15 table 3-7; RFC 3629 §4), so that text is checked as it arrives and
 * fails at the first byte that cannot be part of it (RFC 6455 §8.1).
 */

/** Between characters: the only state in which text may end. */
export const UTF8_ACCEPT = 0;
/** A byte came that no UTF-8 text can have there. */
export const UTF8_REJECT = 8;

// States: how many continuation bytes must follow, and where the first of them is restricted.
const ONE_MORE = 1;
const TWO_MORE = 2;
const THREE_MORE = 3;
const AFTER_E0 = 4; // A0..BF, or the encoding is overlong
const AFTER_ED = 5; // 80..9F, or it is a surrogate
const AFTER_F0 = 6; // 90..BF, or the encoding is overlong
const AFTER_F4 = 7; // 80..8F, or it is above U+10FFFF

const STATES = 9;

/** TRANSITIONS[state * 256 + byte] is the next state. */
const TRANSITIONS = buildTransitions();

function buildTransitions(): Uint8Array {
  const table = new Uint8Array(STATES * 256).fill(UTF8_REJECT);
  const allow = (state: number, from: number, to: number, next: number): void => {
    table.fill(next, state * 256 + from, state * 256 + to + 1);
  };
  allow(UTF8_ACCEPT, 0x00, 0x7f, UTF8_ACCEPT);
  allow(UTF8_ACCEPT, 0xc2, 0xdf, ONE_MORE);
  allow(UTF8_ACCEPT, 0xe0, 0xe0, AFTER_E0);
  allow(UTF8_ACCEPT, 0xe1, 0xef, TWO_MORE);
  allow(UTF8_ACCEPT, 0xed, 0xed, AFTER_ED);
  allow(UTF8_ACCEPT, 0xf0, 0xf0, AFTER_F0);
  allow(UTF8_ACCEPT, 0xf1, 0xf3, THREE_MORE);
  allow(UTF8_ACCEPT, 0xf4, 0xf4, AFTER_F4);
  allow(ONE_MORE, 0x80, 0xbf, UTF8_ACCEPT);
  allow(TWO_MORE, 0x80, 0xbf, ONE_MORE);
  allow(THREE_MORE, 0x80, 0xbf, TWO_MORE);
  allow(AFTER_E0, 0xa0, 0xbf, ONE_MORE);
  allow(AFTER_ED, 0x80, 0x9f, ONE_MORE);
  allow(AFTER_F0, 0x90, 0xbf, TWO_MORE);
  allow(AFTER_F4, 0x80, 0x8f, TWO_MORE);
  return table;
}

/**
 * Runs the machine over the bytes from `start` to `end`.
 * @param state where the machine stands: {@link UTF8_ACCEPT} at the start of a text, else what the last call returned
 * @returns the state after the last byte, or {@link UTF8_REJECT} as soon as a byte cannot follow
 */
export function advanceUtf8(state: number, bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (state === UTF8_ACCEPT && byte < 0x80) continue;
    state = TRANSITIONS[(state << 8) | byte]!;
    if (state === UTF8_REJECT) return UTF8_REJECT;
  }
  return state;
}
