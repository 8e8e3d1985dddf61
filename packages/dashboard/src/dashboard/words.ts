// Figures and codes, as people read them.
import { count, shortCount } from '../shared/format.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long something has lasted: `12 s`, `4 min`, `3 h 12 min`, `5 d 2 h`. */
export function lasting(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return two(ms, HOUR, 'h', MINUTE, 'min');
  return two(ms, DAY, 'd', HOUR, 'h');
}

function two(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${largeName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`;
}

/** A figure at an axis: without the digits that say nothing there. */
export const tick = (text: string): string => (/^0(?:\.0+)? /.test(text) ? '0' : text.replace(/\.0+(?= )/, ''));

/** Milliseconds, in few characters: `0.24 ms`, `12 ms`, `1.8 s`. */
export function shortMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms >= 10) return `${Math.round(ms)} ms`;
  return `${ms >= 1 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}

/** Bytes, in few characters: `840 B`, `12.4 kB`, `96 MB`. Thousands, as networks have them. */
export function shortBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return `${at === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}

export const perSecond = (value: number): string => `${shortCount(value)}/s`;

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** What a reason for an end says: a close code of RFC 6455 §7.4.1, or a word of the hub. */
const REASONS: Readonly<Record<string, string>> = {
  1000: 'closed by the client, in order',
  1001: 'the page was left, or the program ended',
  1002: 'the peer broke the protocol',
  1003: 'data that nobody takes here',
  1005: 'closed by the client, without a code',
  1006: 'cut off, without a close frame',
  1007: 'text that is not UTF-8',
  1008: 'against the policy of the server',
  1009: 'a message too large',
  1011: 'a fault of the server',
  1012: 'the server went away for a while',
  1013: 'the client was told to come back later',
  left: 'streams that their client ended',
  answered: 'polls that were answered',
  PB_SLOW_SUBSCRIBER: 'it did not read what it was sent',
  PB_CLOSED_BY_OPERATOR: 'closed here, by an operator',
  PB_HUB_DRAINING: 'the server was shutting down',
  PB_UNAUTHENTICATED: 'without a key, or with one that does not hold',
  PB_FORBIDDEN: 'without the right',
  PB_RATE: 'too many messages a second',
  PB_ORIGIN_FORBIDDEN: 'a page of another origin',
  PB_CHANNEL_NAME: 'no name of a channel',
};

/** A reason in words; a code explains itself where there are none. */
export function meaning(reason: string): string {
  const known = REASONS[reason];
  if (known !== undefined) return known;
  return reason.startsWith('PB_')
    ? reason
        .replace(/^PB_(?:HANDSHAKE_)?/, '')
        .replaceAll('_', ' ')
        .toLowerCase()
    : '';
}
