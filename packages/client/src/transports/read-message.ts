import type { ServerMessage } from '@pulsebeacon/wire';
import { BeaconError } from '../errors.ts';

/** Types that mean a channel, without which they mean nothing. */
const OF_CHANNELS = /^(publication|subscribed|unsubscribed|skipped|join|leave)$/;

/**
 * Reads messages of the server, a line each. `readServerMessage` of the wire looks at every field of one; this looks at
 * what would make the client go wrong, because it is read for each publication, and loaded by each page.
 * @throws {BeaconError} `PB_MESSAGE_INVALID`
 */
export function readLines(text: string): ServerMessage[] {
  // As one list, whose items are alike, they are parsed in half of the time. JSON has no line ends in its strings.
  return check(parse(`[${text.replaceAll('\n', ',')}]`), text);
}

/** The answer to a request, `{ "messages": [ … ] }`. @throws {BeaconError} `PB_MESSAGE_INVALID` */
export function readMessages(text: string): ServerMessage[] {
  return check((parse(text) as { messages?: unknown } | null)?.messages, text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return invalid(text);
  }
}

function check(messages: unknown, text: string): ServerMessage[] {
  return Array.isArray(messages) && messages.every(isWhole) ? (messages as ServerMessage[]) : invalid(text);
}

function isWhole(value: unknown): boolean {
  const { type, channel, position } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof type === 'string' &&
    (!OF_CHANNELS.test(type) || typeof channel === 'string') &&
    (type !== 'publication' || typeof position === 'string')
  );
}

function invalid(text: string): never {
  throw new BeaconError('PB_MESSAGE_INVALID', `the server sent what is no message: ${text.slice(0, 100)}`);
}
