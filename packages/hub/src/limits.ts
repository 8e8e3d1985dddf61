import { HubUsageError } from './usage-error.ts';

/** The limits of a hub. Times are in milliseconds. */
export interface HubLimits {
  /** Most clients that are connected at once. Default 15,000. */
  readonly maxClients: number;
  /** Most channels that one client follows. Default 128. */
  readonly maxChannelsPerClient: number;
  /** Commands a second that one client may send. Default Infinity. */
  readonly commandRate: number;
  /** Commands that may come at once before the rate counts. Default 100. */
  readonly commandBurst: number;
  /** Most bytes of a message, or of a body that is no payload. Default 64 KiB. */
  readonly maxCommandSize: number;
  /** Most commands in one body. Default 256. */
  readonly maxCommandsPerBody: number;
  /** Above so many bytes that a client has not read, it counts as slow. Default 64 KiB. */
  readonly sendHighWaterMark: number;
  /**
   * A client that has more than so many to read is closed when something more comes for it. Channels whose policy is not
   * `close` keep publications back long before. Default 1 MiB.
   */
  readonly maxQueuedBytes: number;
  /** Time for a slow client of such a channel, or of an answer to a request, to read anything at all. Default 10,000. */
  readonly writeTimeout: number;
  /** A message comes at least so often on `/connect`. Default 3,000. */
  readonly heartbeat: number;
  /** Comments, or heartbeats, on the streams of single channels. Default 15,000. */
  readonly keepAlive: number;
  /** Longest wait of a long poll. Default 25,000. */
  readonly maxWait: number;
  /** Time for the first message on `/connect`. Default 10,000. */
  readonly helloTimeout: number;
  /** Time for `authenticate`. Default 10,000. */
  readonly authenticateTimeout: number;
  /** How long a session may be returned to; each welcome renews it. Default 1 hour. */
  readonly sessionLifetime: number;
  /** How long somebody who is gone without a word counts as present: at least twice the wait. Default 60,000. */
  readonly presenceLifetime: number;
  /** How long an idempotency key is remembered. Default 10 minutes. */
  readonly idempotencyLifetime: number;
  /** Most publications of one page of history. Default 1,000. */
  readonly maxHistoryLimit: number;
}

export const DEFAULT_LIMITS: HubLimits = {
  maxClients: 15_000,
  maxChannelsPerClient: 128,
  commandRate: Infinity,
  commandBurst: 100,
  maxCommandSize: 65_536,
  maxCommandsPerBody: 256,
  sendHighWaterMark: 65_536,
  maxQueuedBytes: 1_048_576,
  writeTimeout: 10_000,
  heartbeat: 3_000,
  keepAlive: 15_000,
  maxWait: 25_000,
  helloTimeout: 10_000,
  authenticateTimeout: 10_000,
  sessionLifetime: 3_600_000,
  presenceLifetime: 60_000,
  idempotencyLifetime: 600_000,
  maxHistoryLimit: 1_000,
};

/** Those that may be without limit. */
const UNLIMITED: ReadonlySet<string> = new Set(['maxClients', 'commandRate']);

/** Fills in the defaults and checks every limit, once. @throws {HubUsageError} `PB_HUB_OPTION` */
export function resolveLimits(options: Partial<HubLimits>): HubLimits {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw new HubUsageError('PB_HUB_OPTION', `there is no limit ${name}: ${Object.keys(DEFAULT_LIMITS).join(', ')}`);
    }
    const isUnlimited = value === Infinity && UNLIMITED.has(name);
    if (value === undefined || isUnlimited || (Number.isSafeInteger(value) && value > 0 && value < 2 ** 31)) continue;
    throw new HubUsageError('PB_HUB_OPTION', `${name} is ${String(value)}: pass a whole number from 1 to 2^31 - 1`);
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const limits: HubLimits = { ...DEFAULT_LIMITS, ...given };
  if (limits.presenceLifetime < 2 * limits.maxWait) {
    const { presenceLifetime, maxWait } = limits;
    throw new HubUsageError(
      'PB_HUB_OPTION',
      `presenceLifetime is ${presenceLifetime}: pass at least twice maxWait, ${2 * maxWait}, or whoever polls comes and goes`,
    );
  }
  if (limits.maxQueuedBytes < limits.sendHighWaterMark) {
    throw new HubUsageError(
      'PB_HUB_OPTION',
      `maxQueuedBytes is ${limits.maxQueuedBytes}: pass at least sendHighWaterMark, ${limits.sendHighWaterMark}`,
    );
  }
  return limits;
}
