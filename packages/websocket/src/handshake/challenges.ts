import { isTokenCode, skipWhitespace, tokenEnd } from './tokens.ts';

const HTAB = 0x09;
const SP = 0x20;
const DQUOTE = 0x22;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** What somebody wants to be shown before he answers otherwise (RFC 9110 §11.3). */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** What stands in place of parameters, as Negotiate has it. */
  readonly token68: string | undefined;
  /** By their names in lower case; quoted values without their quotes. */
  readonly parameters: ReadonlyMap<string, string>;
}

const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();

/**
 * Reads WWW-Authenticate or Proxy-Authenticate (RFC 9110 §11.6.1): several challenges in a line, and several lines, in
 * their order. What cannot be read ends its line: what stood before it counts. A challenge that names a parameter twice
 * is left out, for two readers could take it for two things. Time is linear in the length of the lines.
 */
export function parseChallenges(lines: Iterable<string>): Challenge[] {
  const challenges: Challenge[] = [];
  for (const line of lines) new ChallengeParser(line).readChallenges(challenges);
  return challenges;
}

/**
 * Reads a list of parameters, such as Authentication-Info (RFC 9110 §11.6.3).
 * @returns undefined where it is none, or names a parameter twice
 */
export function parseAuthParameters(value: string): ReadonlyMap<string, string> | undefined {
  return new ChallengeParser(value).readParameters();
}

class ChallengeParser {
  readonly #text: string;
  #at = 0;
  /** A parameter was there twice in the list that was read last. */
  #isRepeated = false;

  constructor(text: string) {
    this.#text = text;
  }

  readChallenges(challenges: Challenge[]): void {
    while (this.#skipToElement()) {
      const challenge = this.#challenge();
      if (challenge === undefined) return;
      if (!this.#isRepeated) challenges.push(challenge);
    }
  }

  readParameters(): ReadonlyMap<string, string> | undefined {
    if (!this.#skipToElement()) return NO_PARAMETERS;
    const parameters = this.#parameters();
    return parameters === undefined || this.#isRepeated || this.#at < this.#text.length ? undefined : parameters;
  }

  #code(): number {
    return this.#text.charCodeAt(this.#at);
  }

  /** Whether there is another element; if so, we stand at its first character. Empty ones are skipped (§5.6.1.2). */
  #skipToElement(): boolean {
    this.#at = skipWhitespace(this.#text, this.#at);
    while (this.#code() === COMMA) this.#at = skipWhitespace(this.#text, this.#at + 1);
    return this.#at < this.#text.length;
  }

  /** `auth-scheme [ 1*SP ( token68 / #auth-param ) ]` and the comma behind it. */
  #challenge(): Challenge | undefined {
    this.#isRepeated = false;
    const scheme = this.#token().toLowerCase();
    if (scheme === '') return undefined;
    const hasSpace = this.#code() === SP || this.#code() === HTAB;
    this.#at = skipWhitespace(this.#text, this.#at);
    if (this.#isAtEnd()) return { scheme, token68: undefined, parameters: NO_PARAMETERS };
    if (!hasSpace) return undefined;
    const token68 = this.#token68();
    if (token68 !== undefined) return { scheme, token68, parameters: NO_PARAMETERS };
    const parameters = this.#parameters();
    return parameters === undefined ? undefined : { scheme, token68, parameters };
  }

  /** The end of an element: a comma, or the end of the line. */
  #isAtEnd(): boolean {
    return this.#at === this.#text.length || this.#code() === COMMA;
  }

  /** Up to the end of the line, or to a name that no `=` follows: the scheme of the next challenge. */
  #parameters(): Map<string, string> | undefined {
    const parameters = new Map<string, string>();
    do {
      const start = this.#at;
      const name = this.#token().toLowerCase();
      this.#at = skipWhitespace(this.#text, this.#at);
      if (this.#code() !== EQUALS) {
        this.#at = start;
        return parameters.size > 0 && name !== '' ? parameters : undefined;
      }
      this.#at = skipWhitespace(this.#text, this.#at + 1);
      const value = this.#code() === DQUOTE ? this.#quoted() : this.#token();
      if (name === '' || value === undefined || (value === '' && this.#text[this.#at - 1] !== '"')) return undefined;
      this.#isRepeated ||= parameters.has(name);
      parameters.set(name, value);
      this.#at = skipWhitespace(this.#text, this.#at);
      if (!this.#isAtEnd()) return undefined;
    } while (this.#skipToElement());
    return parameters;
  }

  #token(): string {
    const start = this.#at;
    this.#at = tokenEnd(this.#text, start);
    return this.#text.slice(start, this.#at);
  }

  /** Where one stands here, alone; otherwise the position stays. `realm=x` is none, for something follows its `=`. */
  #token68(): string | undefined {
    const start = this.#at;
    let end = start;
    while (isToken68Code(this.#text.charCodeAt(end))) end++;
    const isEmpty = end === start;
    while (this.#text.charCodeAt(end) === EQUALS) end++;
    this.#at = skipWhitespace(this.#text, end);
    if (!isEmpty && this.#isAtEnd()) return this.#text.slice(start, end);
    this.#at = start;
    return undefined;
  }

  /** A quoted-string without its quotes, unescaped (RFC 9110 §5.6.4). */
  #quoted(): string | undefined {
    let value = '';
    let start = ++this.#at;
    for (;;) {
      const code = this.#code();
      if (code === DQUOTE) break;
      if (code === BACKSLASH) {
        value += this.#text.slice(start, this.#at);
        start = ++this.#at;
      }
      // The end of the text reads as NaN.
      if (!isQuotable(this.#code())) return undefined;
      this.#at++;
    }
    return value + this.#text.slice(start, this.#at++);
  }
}

/** `-._~+/`, letters and digits: of the characters of a token, and the slash. */
function isToken68Code(code: number): boolean {
  return code === 0x2f || (isTokenCode(code) && !NOT_IN_TOKEN68.has(code));
}

const NOT_IN_TOKEN68: ReadonlySet<number> = new Set([..."!#$%&'*^`|"].map((character) => character.charCodeAt(0)));

function isQuotable(code: number): boolean {
  return code === HTAB || (code >= SP && code !== 0x7f);
}
