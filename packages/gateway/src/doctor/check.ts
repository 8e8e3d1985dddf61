import type { Advice } from './advice.ts';

/** How a check came out. `skip`: it could not be made, or is of no matter here; `measured` says why. */
export type Result = 'ok' | 'warn' | 'fail' | 'skip';

/** The parts of the way, in the order in which they are looked at. The names are part of what `--json` prints. */
export const CHECKS = {
  proxy: 'forward proxy',
  name: 'name',
  connection: 'connection',
  tls: 'TLS',
  http: 'HTTP request',
  websocket: 'WebSocket, HTTP/1.1',
  'websocket-address': 'WebSocket, this URL',
  'websocket-http2': 'WebSocket, HTTP/2',
  page: 'WebSocket of a page',
  subprotocol: 'subprotocol',
  deflate: 'permessage-deflate',
  messages: 'small messages',
  'large-messages': '60 KiB messages',
  fragments: 'fragments',
  sse: 'Server-Sent Events',
  ndjson: 'ndjson stream',
  poll: 'long poll',
  'idle-websocket': 'idle WebSocket',
  'idle-pings': 'idle, with pings',
  'idle-stream': 'idle stream',
} as const;

export type CheckId = keyof typeof CHECKS;

export interface Outcome {
  readonly result: Result;
  /** What was seen, in a line. */
  readonly measured: string;
  /** The same as values, for `--json`. Times are in milliseconds. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** What to do about it. */
  readonly advice?: Advice | undefined;
}

export interface Check extends Outcome {
  readonly id: CheckId;
}

/** What was found out. */
export interface Report {
  readonly url: string;
  /** Whether the other end is a `pulsebeacon serve`, which tells what it sees; undefined where nothing was reached. */
  readonly isOurs: boolean | undefined;
  readonly checks: readonly Check[];
}

export const ok = (measured: string, values?: Outcome['values']): Outcome => made('ok', measured, undefined, values);

export const skip = (measured: string): Outcome => made('skip', measured, undefined, undefined);

export const warn = (measured: string, advice?: Advice, values?: Outcome['values']): Outcome =>
  made('warn', measured, advice, values);

export const fail = (measured: string, advice?: Advice, values?: Outcome['values']): Outcome =>
  made('fail', measured, advice, values);

function made(result: Result, measured: string, advice: Advice | undefined, values: Outcome['values']): Outcome {
  return { result, measured, ...(values === undefined ? {} : { values }), ...(advice === undefined ? {} : { advice }) };
}
