import type { MessageData, MessageKind, SendData } from './connection.ts';

/** How values become messages, and messages values. */
export interface Codec<Sent = unknown> {
  /** A string goes as text, bytes as binary. */
  encode(value: Sent): SendData;
  /** Throws where the message is none of its kind; what it throws is the reason. */
  decode(data: MessageData, kind: MessageKind): unknown;
}

/** How deep JSON may be nested: what looks at it later may recurse, and has a stack that ends. */
const MOST_DEPTH = 32;

/** Text messages of JSON (RFC 8259), nested at most 32 deep. */
export const jsonCodec: Codec = {
  encode(value) {
    const text: string | undefined = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`JSON has nothing for ${typeof value}`);
    return text;
  },
  decode(data, kind) {
    if (kind !== 'text') throw new TypeError('the message is binary, and should be JSON');
    // With `receive: 'borrowed'` text comes as bytes.
    const text = typeof data === 'string' ? data : new TextDecoder().decode(data);
    if (isTooDeep(text)) throw new TypeError(`the JSON is nested more than ${MOST_DEPTH} deep`);
    return JSON.parse(text);
  },
};

/** Counts brackets outside of strings, before anything parses them. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (isInString) {
      if (character === '\\') at++;
      else if (character === '"') isInString = false;
    } else if (character === '"') {
      isInString = true;
    } else if (character === '{' || character === '[') {
      if (++depth > MOST_DEPTH) return true;
    } else if (character === '}' || character === ']') {
      depth--;
    }
  }
  return false;
}
