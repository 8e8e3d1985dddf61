/** The building blocks of HTTP field values (RFC 9110 §5.6). Every function here looks at each character once. */

const HTAB = 0x09;
const SP = 0x20;

/** 1 for every `tchar` (RFC 9110 §5.6.2); codes beyond the table read as undefined, which is not 1 either. */
const TOKEN_CODES: Uint8Array = new Uint8Array(128);
for (const character of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  TOKEN_CODES[character.charCodeAt(0)] = 1;
}

/** Whether a character code may stand in a token. */
export function isTokenCode(code: number): boolean {
  return TOKEN_CODES[code] === 1;
}

/** Where the token that begins at `at` ends; `at` itself where none begins. */
export function tokenEnd(text: string, at: number): number {
  let end = at;
  while (isTokenCode(text.charCodeAt(end))) end++;
  return end;
}

/** Whether `text` is a token: at least one character, and none but `tchar`. */
export function isToken(text: string): boolean {
  return text.length > 0 && tokenEnd(text, 0) === text.length;
}

/** The first position from `at` on that holds neither space nor tab (RFC 9110 §5.6.3, OWS). */
export function skipWhitespace(text: string, at: number): number {
  let code = text.charCodeAt(at);
  while (code === SP || code === HTAB) code = text.charCodeAt(++at);
  return at;
}

/** `text` without the spaces and tabs around it. Not `trim()`, which removes characters that HTTP does not. */
export function trimWhitespace(text: string): string {
  const start = skipWhitespace(text, 0);
  let end = text.length;
  while (end > start) {
    const code = text.charCodeAt(end - 1);
    if (code !== SP && code !== HTAB) break;
    end--;
  }
  return text.slice(start, end);
}

/** Whether `text` is `lower` but for the case of ASCII letters (RFC 6455 §2.1). `lower` is in lower case. */
export function equalsIgnoringCase(text: string, lower: string): boolean {
  if (text.length !== lower.length) return false;
  for (let at = 0; at < text.length; at++) {
    if (lowerCode(text.charCodeAt(at)) !== lower.charCodeAt(at)) return false;
  }
  return true;
}

/** Whether `text` begins with `lower` but for the case of ASCII letters. `lower` is in lower case. */
export function startsIgnoringCase(text: string, lower: string): boolean {
  if (text.length < lower.length) return false;
  for (let at = 0; at < lower.length; at++) {
    if (lowerCode(text.charCodeAt(at)) !== lower.charCodeAt(at)) return false;
  }
  return true;
}

function lowerCode(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}

/**
 * The elements of a comma-separated list, without the whitespace around them. Empty elements are left out, as a
 * recipient must (RFC 9110 §5.6.1.2). Not for lists whose elements may hold a quoted comma.
 */
export function splitList(value: string): string[] {
  const elements: string[] = [];
  for (const part of value.split(',')) {
    const element = trimWhitespace(part);
    if (element !== '') elements.push(element);
  }
  return elements;
}

/** The tokens of a `#token` list, or undefined where an element is not a token. */
export function parseTokenList(value: string): string[] | undefined {
  const elements = splitList(value);
  return elements.every(isToken) ? elements : undefined;
}

/** Whether a received field value is free of CR, LF and NUL, which make it dangerous (RFC 9110 §5.5). */
export function isReceivedValue(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code <= 0x0d && (code === 0x0d || code === 0x0a || code === 0)) return false;
  }
  return true;
}

/**
 * Whether a field value may be sent (RFC 9110 §5.5): visible characters, spaces and tabs, and the bytes from 0x80 on;
 * no other control character, and nothing that does not fit into a byte.
 */
export function isSendableValue(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if ((code < 0x20 && code !== HTAB) || code === 0x7f || code > 0xff) return false;
  }
  return true;
}
