import type { ServerMessage } from '@pulsebeacon/wire';
import { BeaconError } from '../errors.ts';

/** Types that mean a channel, without which they mean nothing. */
const OF_CHANNELS = /^(publication|subscribed|unsubscribed|skipped|join|leave)$/;

/**
 * Reads a message of the server. `readServerMessage` of the wire looks at every field of it; this one looks at what would
 * make the client go wrong, because it is read for each publication, and loaded by each page.
 * @throws {BeaconError} `PB_MESSAGE_INVALID`
 */
export function readMessage(text: string): ServerMessage {
  return check(parse(text));
}

/** The answer to a request, `{ "messages": [ … ] }`. @throws {BeaconError} `PB_MESSAGE_INVALID` */
export function readMessages(text: string): ServerMessage[] {
  const { messages } = parse(text) as { messages?: unknown };
  return Array.isArray(messages) ? messages.map(check) : invalid(text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return invalid(text);
  }
}

function check(value: unknown): ServerMessage {
  const { type, channel, position } = (value ?? {}) as Record<string, unknown>;
  const isWhole =
    typeof type === 'string' &&
    (!OF_CHANNELS.test(type) || typeof channel === 'string') &&
    (type !== 'publication' || typeof position === 'string');
  return isWhole ? (value as ServerMessage) : invalid(JSON.stringify(value));
}

function invalid(text: string): never {
  throw new BeaconError('PB_MESSAGE_INVALID', `the server sent what is no message: ${text.slice(0, 100)}`);
}
