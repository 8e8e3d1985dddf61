import type { ExtensionOffer } from '../protocol/extension-offer.ts';
import { HandshakeUsageError } from './usage-error.ts';
import { isToken, isTokenCode, skipWhitespace, tokenEnd } from './tokens.ts';

const DQUOTE = 0x22;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** Shared by all elements without parameters, so that a list of bare names costs no Map for each. */
const NO_PARAMETERS: ReadonlyMap<string, string | true> = new Map();

/**
 * Reads the value of Sec-WebSocket-Extensions, several lines joined by commas: the offers of a client or the answer of
 * a server, in their order (RFC 6455 §9.1). Time is linear in the length of the value.
 *
 * @returns undefined where the value does not conform to the ABNF, which fails the handshake
 */
export function parseExtensions(value: string): ExtensionOffer[] | undefined {
  return new ExtensionParser(value).parse();
}

/**
 * Writes a value of Sec-WebSocket-Extensions. `duplicated` is not looked at: what is written has each parameter once.
 *
 * @throws {HandshakeUsageError} `PB_EXTENSION_INVALID`: a name, a parameter or its value is not a token
 */
export function serializeExtensions(extensions: Iterable<ExtensionOffer>): string {
  const elements: string[] = [];
  for (const { name, parameters } of extensions) {
    let element = requireToken(name);
    for (const [parameter, value] of parameters) {
      element += `; ${requireToken(parameter)}`;
      if (value !== true) element += `=${requireToken(value)}`;
    }
    elements.push(element);
  }
  return elements.join(', ');
}

function requireToken(text: string): string {
  if (!isToken(text)) throw new HandshakeUsageError('PB_EXTENSION_INVALID', text);
  return text;
}

class ExtensionParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** `1#extension`; empty elements are skipped (RFC 9110 §5.6.1.2). */
  parse(): ExtensionOffer[] | undefined {
    const extensions: ExtensionOffer[] = [];
    while (this.#skipToElement()) {
      const extension = this.#extension();
      if (extension === undefined) return undefined;
      extensions.push(extension);
      if (this.#at < this.#text.length && this.#code() !== COMMA) return undefined;
    }
    return extensions.length > 0 ? extensions : undefined;
  }

  #code(): number {
    return this.#text.charCodeAt(this.#at);
  }

  /** Whether there is another element; if so, we stand at its first character. */
  #skipToElement(): boolean {
    this.#skipWhitespace();
    while (this.#code() === COMMA) {
      this.#at++;
      this.#skipWhitespace();
    }
    return this.#at < this.#text.length;
  }

  /** `extension-token *( ";" extension-param )` and the whitespace after it. */
  #extension(): ExtensionOffer | undefined {
    const name = this.#token();
    if (name === undefined) return undefined;
    this.#skipWhitespace();
    if (this.#code() !== SEMICOLON) return { name, parameters: NO_PARAMETERS, duplicated: false };

    const parameters = new Map<string, string | true>();
    let duplicated = false;
    while (this.#code() === SEMICOLON) {
      this.#at++;
      this.#skipWhitespace();
      const parameter = this.#token();
      if (parameter === undefined) return undefined;
      const value = this.#parameterValue();
      if (value === undefined) return undefined;
      if (parameters.has(parameter)) duplicated = true;
      else parameters.set(parameter, value);
    }
    return { name, parameters, duplicated };
  }

  /** `[ "=" (token | quoted-string) ]` and the whitespace after it; true where there is no value. */
  #parameterValue(): string | true | undefined {
    this.#skipWhitespace();
    if (this.#code() !== EQUALS) return true;
    this.#at++;
    this.#skipWhitespace();
    const value = this.#code() === DQUOTE ? this.#quotedToken() : this.#token();
    this.#skipWhitespace();
    return value;
  }

  #token(): string | undefined {
    const start = this.#at;
    this.#at = tokenEnd(this.#text, start);
    return this.#at === start ? undefined : this.#text.slice(start, this.#at);
  }

  /** A quoted-string whose content, once unescaped, is a token, as §9.1 demands. */
  #quotedToken(): string | undefined {
    let value = '';
    this.#at++;
    for (;;) {
      let code = this.#code();
      if (code === DQUOTE) break;
      if (code === BACKSLASH) {
        this.#at++;
        code = this.#code();
      }
      // The end of the text reads as NaN, which is no token code either.
      if (!isTokenCode(code)) return undefined;
      value += this.#text[this.#at];
      this.#at++;
    }
    this.#at++;
    return value === '' ? undefined : value;
  }

  #skipWhitespace(): void {
    this.#at = skipWhitespace(this.#text, this.#at);
  }
}
