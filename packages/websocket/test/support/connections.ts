import { setImmediate } from 'node:timers/promises';
import { ConnectionCore } from '#dist/connection/connection-core.js';
import type { MessageData, MessageKind } from '#dist/connection/connection.js';
import { FlushScheduler } from '#dist/connection/flush-scheduler.js';
import type { Agreement, ConnectionShared, ConnectionTimes } from '#dist/connection/shared.js';
import { ticks, TICK_MS, TimerWheel } from '#dist/connection/timer-wheel.js';
import { TrafficCounts } from '#dist/connection/traffic.js';
import { nodePlatform } from '#dist/node/platform.js';
import { MaskingKeys } from '#dist/protocol/sender.js';
import { buildFrame, type FrameSpec } from './frames.ts';
import { FakeStream } from './fake-stream.ts';

/** A wheel whose clock stands still but for {@link pass}. */
export class FakeTime {
  private ms = 0;
  readonly wheel: TimerWheel = new TimerWheel(() => this.ms);

  /** Lets time go by, tick after tick, as the wheel's own timer would. */
  pass(milliseconds: number): void {
    const until = this.ms + milliseconds;
    while (this.ms < until) {
      this.ms = Math.min(until, this.ms + TICK_MS);
      this.wheel.advance();
    }
  }

  /** Lets time go by in which the process did nothing. */
  stall(milliseconds: number): void {
    this.ms += milliseconds;
    this.wheel.advance();
  }

  get now(): number {
    return this.ms;
  }
}

/** Milliseconds; what is left out has no limit. */
export type Times = Partial<Record<keyof ConnectionTimes, number>>;

export function timesOf(times: Times): ConnectionTimes {
  const of = (name: keyof ConnectionTimes): number => (times[name] === undefined ? Infinity : ticks(times[name]));
  return {
    pingInterval: of('pingInterval'),
    pongTimeout: of('pongTimeout'),
    writeTimeout: of('writeTimeout'),
    messageTimeout: of('messageTimeout'),
    idleTimeout: of('idleTimeout'),
    closeTimeout: of('closeTimeout'),
  };
}

export type TestConnection = ConnectionCore<unknown>;
type Shared = ConnectionShared<TestConnection>;

export interface Made {
  readonly connection: TestConnection;
  readonly stream: FakeStream;
  readonly time: FakeTime;
  /** What the handlers were told, in words. */
  readonly log: string[];
  readonly shared: Shared;
  /** A frame as this connection's peer sends it. */
  peer(spec: FrameSpec): Uint8Array;
}

export interface MakeOptions {
  readonly shared?: Partial<Omit<Shared, 'handlers'>>;
  readonly handlers?: Shared['handlers'];
  readonly times?: Times;
  readonly agreement?: Partial<Agreement>;
  readonly time?: FakeTime;
  readonly head?: Uint8Array;
  readonly stream?: FakeStream;
}

/** A shape of what a whole server shares, with handlers that keep a log. */
export function makeShared(
  log: string[],
  { shared, handlers, times = {}, time = new FakeTime() }: MakeOptions,
): Shared {
  const role = shared?.role ?? 'server';
  return {
    role,
    platform: nodePlatform,
    scheduler: new FlushScheduler(),
    masks: role === 'client' ? new MaskingKeys(nodePlatform) : null,
    handlers: {
      message: (_, data: MessageData, kind: MessageKind) =>
        void log.push(`${kind} ${typeof data === 'string' ? data : Buffer.from(data).toString('hex')}`),
      drain: () => void log.push('drain'),
      pong: (_, data) => void log.push(`pong ${Buffer.from(data).toString()}`),
      error: (_, error) => void log.push(`error ${error.code}`),
      close: (_, code, reason, wasClean) => void log.push(`close ${code} "${reason}"${wasClean ? ' clean' : ''}`),
      ...handlers,
    },
    borrowed: false,
    poison: false,
    idleInboxes: [],
    idleOutboxes: [],
    limits: { maxMessageSize: 1_048_576, maxFragments: 1024 },
    sendHighWaterMark: 65_536,
    maxQueuedBytes: 1_048_576,
    slowConsumer: 'close',
    deflate: null,
    times: timesOf(times),
    wheel: time.wheel,
    traffic: new TrafficCounts(),
    onClosed: (_, code) => void log.push(`closed ${code}`),
    ...shared,
  };
}

/** A connection over a stream in memory, after its handshake. */
export function makeConnection(options: MakeOptions = {}): Made {
  const time = options.time ?? new FakeTime();
  const log: string[] = [];
  const shared = makeShared(log, { ...options, time });
  const stream = options.stream ?? new FakeStream();
  const agreement: Agreement = { protocol: '', extensions: '', deflate: null, ...options.agreement };
  const connection = new ConnectionCore<unknown>(shared as ConnectionShared<never>, stream, agreement, undefined);
  connection.start(options.head ?? new Uint8Array(0));
  const mask = shared.role === 'server' ? [1, 2, 3, 4] : null;
  return { connection, stream, time, log, shared, peer: (spec) => buildFrame({ mask, ...spec }) };
}

/** Resolves when what was sent in this turn of the event loop has been written. */
export async function turn(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

/** The frames in what a server wrote: `text "abc"`. */
export function framesIn(bytes: Buffer): { first: number; payload: Buffer }[] {
  const frames: { first: number; payload: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at]!;
    const second = bytes[at + 1]!;
    const short = second & 0x7f;
    let body = at + 2;
    let length = short;
    if (short === 126) [length, body] = [bytes.readUInt16BE(body), body + 2];
    else if (short === 127) [length, body] = [Number(bytes.readBigUInt64BE(body)), body + 8];
    let payload = bytes.subarray(body, body + length);
    if ((second & 0x80) !== 0) {
      const key = bytes.subarray(body, body + 4);
      body += 4;
      payload = Buffer.from(bytes.subarray(body, body + length)).map((byte, i) => byte ^ key[i % 4]!) as Buffer;
    }
    if (payload.length !== length) throw new Error(`a frame of ${length} bytes is cut after ${payload.length}`);
    frames.push({ first, payload });
    at = body + length;
  }
  return frames;
}
