import { WireError } from './errors.ts';

/** How deep JSON may be nested: parsers that recurse, ours or a client's, have a stack that ends. */
export const MAX_JSON_DEPTH = 32;

/**
 * Counts how deep JSON is nested, before anything parses it. Text that is no JSON passes: the parser will say so, before
 * it gets deeper than was counted.
 * @param deepest default 32
 * @throws {WireError} `PB_MESSAGE_DEPTH`
 */
export function checkJsonDepth(text: string, deepest: number = MAX_JSON_DEPTH): void {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === 0x5c) at++;
      else if (code === 0x22) isInString = false;
    } else if (code === 0x22) {
      isInString = true;
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > deepest) throw new WireError('PB_MESSAGE_DEPTH');
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    }
  }
}
