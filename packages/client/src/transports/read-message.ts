import type { ServerMessage } from '@pulsebeacon/wire';
import { BeaconError } from '../errors.ts';

/** Types that mean a channel, without which they mean nothing. */
const OF_CHANNELS = /^(publication|subscribed|unsubscribed|skipped|join|leave)$/;

const PUBLICATION =
  /^{"type":"publication","channel":"([^"\\]+)","position":"([^"\\]+)","time":(\d+),"contentType":"([^"\\]+)","data":(.+)}$/s;

/**
 * Reads messages of the server, a line each. `readServerMessage` of the wire looks at every field of one; this looks at
 * what would make the client go wrong, because it is read for each publication, and loaded by each page.
 * @throws {BeaconError} `PB_MESSAGE_INVALID`
 */
export function readLines(text: string): ServerMessage[] {
  return text.split('\n').map((line) => readPublication(line) ?? check(parse(line)));
}

/** The answer to a request, `{ "messages": [ … ] }`. @throws {BeaconError} `PB_MESSAGE_INVALID` */
export function readMessages(text: string): ServerMessage[] {
  const { messages } = (parse(text) ?? {}) as { messages?: unknown };
  return Array.isArray(messages) ? messages.map(check) : invalid(text);
}

/** Takes a publication apart as hubs write it: its data alone is left to the parser of JSON, which takes twice as long. */
function readPublication(text: string): ServerMessage | undefined {
  const match = PUBLICATION.exec(text) as readonly string[] | null;
  if (match === null) return undefined;
  const [, channel, position, time, contentType, data] = match;
  try {
    return {
      type: 'publication',
      channel,
      position,
      time: Number(time),
      contentType,
      data: JSON.parse(data!),
    } as ServerMessage;
  } catch {
    // There is more in it than this.
    return undefined;
  }
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
