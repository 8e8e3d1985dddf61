import { statSync } from 'node:fs';
import path from 'node:path';
import { TrustedProxies } from '@pulsebeacon/websocket';
import { InvalidArgumentError } from 'commander';
import { isChannelPattern } from '../config/patterns.ts';
import { type ListenTarget, parseListenTarget, parsePort } from '../listen/target.ts';

/*
 * How the values of options are read. What is wrong is said in a sentence that goes behind commander's own, which names
 * the option and the value.
 */

export function port(text: string): number {
  const value = parsePort(text);
  if (value === undefined) throw new InvalidArgumentError('A port is a number from 0 to 65535; 0 takes a free one.');
  return value;
}

/** A whole number from `least` up. */
export function count(least = 1): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Give a whole number from ${least} up.`);
  };
}

/** A whole number from 1 up, or `off`. */
export function countOrOff(text: string): number {
  if (text === 'off') return Infinity;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('Give a whole number from 1 up, or off for no limit.');
}

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KIB: 1024, MIB: 1024 ** 2, GIB: 1024 ** 3 };

/** Bytes: `65536`, `64KiB`, `1MiB`. */
export function size(text: string): number {
  const match = /^(\d+)\s*([a-z]*)$/i.exec(text);
  const unit = SIZE_UNITS[match?.[2]?.toUpperCase() ?? '?'];
  const value = unit === undefined ? Number.NaN : Number(match?.[1]) * unit;
  if (Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('Give a size such as 65536, 64KiB or 1MiB.');
}

const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, '': 1000, s: 1000, min: 60_000, m: 60_000 };
/** The longest that timers take. */
const LONGEST_MS = 2 ** 31 - 1;

/** A duration in milliseconds: `500ms`, `10s`, `2min`; a bare number is seconds. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text);
  const unit = TIME_UNITS[match?.[2]?.toLowerCase() ?? '?'];
  const value = unit === undefined ? Number.NaN : Math.round(Number(match?.[1]) * unit);
  if (value >= 0 && value <= LONGEST_MS) return value;
  throw new InvalidArgumentError('Give a duration such as 500ms, 10s or 2min.');
}

/** A duration that is not zero. */
export function deadline(text: string): number {
  const value = duration(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('A deadline of zero would let nothing through: give a duration such as 10s.');
}

/** An option that may be given several times; with commas between the values in an environment variable. */
export function list<T>(read: (text: string) => T): (text: string, before: readonly T[] | undefined) => readonly T[] {
  return (text, before = []) => [
    ...before,
    ...text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map(read),
  ];
}

/** An option that may be given several times, each value as it stands: its commas are its own. */
export function each<T>(read: (text: string) => T): (text: string, before: readonly T[] | undefined) => readonly T[] {
  return (text, before = []) => [...before, read(text)];
}

/** A duration, or -1: without end. */
export function durationOrEver(text: string): number {
  return text === '-1' ? Infinity : duration(text);
}

/** `Name: value` */
export function headerLine(text: string): readonly [name: string, value: string] {
  const colon = text.indexOf(':');
  if (colon > 0) return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
  throw new InvalidArgumentError("Give a header as 'Name: value'.");
}

export function listenTarget(text: string): ListenTarget {
  const target = parseListenTarget(text);
  if (typeof target === 'string') throw new InvalidArgumentError(`${target[0]!.toUpperCase()}${target.slice(1)}.`);
  return target;
}

const PUBLIC_URL = /^(https?|wss?):\/\/[^/?#\s]+/i;

export function publicUrl(text: string): string {
  if (PUBLIC_URL.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError('A public URL begins with http:// or https:// and a host: https://example.com.');
}

const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#@\s]+$/i;

export function origin(text: string): string {
  if (text === '*' || text === 'null' || ORIGIN.test(text)) return text;
  throw new InvalidArgumentError(
    "An origin is a scheme, a host and at most a port, without a slash at the end: https://example.com; '*' is any.",
  );
}

/** A proxy to trust. */
export function trustedProxy(text: string): string {
  try {
    Reflect.construct(TrustedProxies, [{ peers: [text] }]);
    return text;
  } catch {
    throw new InvalidArgumentError('Give an IP address, a range such as 10.0.0.0/8, loopback or unix.');
  }
}

/** An address or name to listen on; an IPv6 address may stand in brackets. */
export function host(given: string): string {
  if (given !== '') return given.replace(/^\[(.*)\]$/, '$1');
  throw new InvalidArgumentError('Give an address or a name of this machine, such as 127.0.0.1.');
}

/** Any text that is not empty. */
export function nonEmpty(given: string): string {
  if (given !== '') return given;
  throw new InvalidArgumentError('It is empty.');
}

/** A folder that is there, as an absolute path. */
export function folder(given: string): string {
  const root = path.resolve(given);
  const found = statSync(root, { throwIfNoEntry: false });
  if (found === undefined) throw new InvalidArgumentError('There is no such folder.');
  if (!found.isDirectory()) throw new InvalidArgumentError('It is a file: give the folder that it is in.');
  return root;
}

/** The name of a channel, with `*` for any run of characters. */
export function channelPattern(given: string): string {
  if (isChannelPattern(given)) return given;
  throw new InvalidArgumentError(
    'A pattern has letters, digits, . _ ~ : @ - as names of channels have, and * for any run of them: chat:*.',
  );
}
