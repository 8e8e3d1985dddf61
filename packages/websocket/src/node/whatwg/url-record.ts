import { isToken } from '../../handshake/tokens.ts';
import { maskUrl, withoutUserinfo } from '../masked-urls.ts';

const SCHEMES: Readonly<Record<string, string>> = { 'http:': 'ws:', 'https:': 'wss:' };

/**
 * "Get a URL record" of the WebSockets Standard. There is no page, and so no base URL: a relative URL is an error.
 * @returns the URL, serialised
 * @throws DOMException SyntaxError
 */
export function getUrlRecord(given: string): string {
  const url = parse(given);
  if (url === null) throw syntaxError(`"${maskUrl(given)}" is no absolute URL: write it as ws://host/path`);
  url.protocol = SCHEMES[url.protocol] ?? url.protocol;
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw syntaxError(`"${maskUrl(given)}" has the scheme ${url.protocol} but it must be ws:, wss:, http: or https:`);
  }
  // An empty fragment is one, too, and there `hash` says nothing.
  if (url.href.includes('#'))
    throw syntaxError(`"${withoutUserinfo(given)}" has a fragment; # in a path or query is written %23`);
  return url.href;
}

function parse(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/**
 * The subprotocols of the constructor: tokens, each once (RFC 6455 §4.1 item 10). Two that differ in case only are
 * refused, as the web platform tests ask.
 * @throws DOMException SyntaxError
 */
export function checkProtocols(protocols: readonly string[]): void {
  const seen = new Set<string>();
  for (const protocol of protocols) {
    if (!isToken(protocol)) throw syntaxError(`the subprotocol "${protocol}" is no token (RFC 9110 §5.6.2)`);
    const key = protocol.toLowerCase();
    if (seen.has(key)) throw syntaxError(`the subprotocol "${protocol}" is listed twice: list each once`);
    seen.add(key);
  }
}

export function syntaxError(message: string): DOMException {
  return new DOMException(message, 'SyntaxError');
}
