import { HandshakeUsageError } from './usage-error.ts';
import { isToken, parseTokenList } from './tokens.ts';

/**
 * Reads the value of a client's Sec-WebSocket-Protocol, several lines joined by commas (RFC 6455 §4.1 item 10).
 *
 * @returns the subprotocols in the client's order of preference, or what is wrong with the list
 */
export function parseSubprotocols(value: string): string[] | 'invalid' | 'repeated' {
  const names = parseTokenList(value);
  if (names === undefined || names.length === 0) return 'invalid';
  return new Set(names).size === names.length ? names : 'repeated';
}

/**
 * The first subprotocol of the client's list that the server speaks too, or undefined. The order is the client's, who
 * lists what it prefers first; a server with a preference of its own chooses from `offered` itself (RFC 6455 §4.2.2).
 */
export function selectSubprotocol(offered: readonly string[], supported: Iterable<string>): string | undefined {
  if (offered.length === 0) return undefined;
  const known = new Set(supported);
  return offered.find((name) => known.has(name));
}

/**
 * Writes a client's Sec-WebSocket-Protocol.
 *
 * @throws {HandshakeUsageError} `PB_SUBPROTOCOL_INVALID`: a name is not a token, or is listed twice
 */
export function serializeSubprotocols(names: readonly string[]): string {
  const seen = new Set<string>();
  for (const name of names) {
    if (!isToken(name) || seen.has(name)) throw new HandshakeUsageError('PB_SUBPROTOCOL_INVALID', name);
    seen.add(name);
  }
  return names.join(', ');
}
