import { ChannelPattern } from '@pulsebeacon/wire';
import type { Retention } from './broker.ts';
import { HubUsageError } from './usage-error.ts';

/** Whom something is open to: everybody, those whose principal has a grant for it, or the server alone. */
export type Audience = 'anyone' | 'granted' | 'nobody';

/**
 * What becomes of a client that reads too slowly: it is closed, and may come back and recover; publications are left out;
 * only the newest of each key waits for it; or it is served from the history once it reads again.
 */
export type SlowConsumerPolicy = 'close' | 'drop' | 'conflate' | 'spill';

/** The rules of the channels whose names match a pattern. What is left out has the default. */
export interface NamespaceOptions {
  /** `*` stands for any run of characters: `chat:*`. The first namespace that matches counts. */
  readonly match: string;
  /** What is kept: publications (default 300; 0: none), and milliseconds (default 5 minutes). */
  readonly history?: { readonly size?: number; readonly ageMs?: number };
  /** Whether one may ask who is there. Default false. */
  readonly presence?: boolean;
  /** Whether subscribers are told who comes and goes. Needs `presence`. Default false. */
  readonly joinLeave?: boolean;
  /** Default `anyone`. */
  readonly subscribe?: Audience;
  /** Default `granted`. */
  readonly publish?: Audience;
  /** Default: as `subscribe`. */
  readonly readHistory?: Audience;
  /** Most bytes of a payload. Default 1 MiB. */
  readonly maxMessageSize?: number;
  /** Most publications a second into one channel. Default Infinity. */
  readonly rate?: number;
  /** Default `close`. */
  readonly slowConsumer?: SlowConsumerPolicy;
}

/** The rules of a channel, complete and checked. */
export interface ChannelRules {
  readonly retention: Retention;
  readonly presence: boolean;
  readonly joinLeave: boolean;
  readonly subscribe: Audience;
  readonly publish: Audience;
  readonly readHistory: Audience;
  readonly maxMessageSize: number;
  readonly rate: number;
  readonly slowConsumer: SlowConsumerPolicy;
}

const AUDIENCES: readonly string[] = ['anyone', 'granted', 'nobody'];
const POLICIES: readonly string[] = ['close', 'drop', 'conflate', 'spill'];
const HISTORY_NAMES: readonly string[] = ['size', 'ageMs'];
const NAMES: readonly string[] = [
  'match',
  'history',
  'presence',
  'joinLeave',
  'subscribe',
  'publish',
  'readHistory',
  'maxMessageSize',
  'rate',
  'slowConsumer',
];

/** Finds the rules of a channel. Those who match nothing have the defaults. */
export class Namespaces {
  private readonly entries: readonly { readonly pattern: ChannelPattern; readonly rules: ChannelRules }[];

  /** @throws {HubUsageError} `PB_HUB_OPTION`; WireError `PB_CHANNEL_NAME` for a pattern that cannot be read */
  constructor(options: readonly NamespaceOptions[]) {
    this.entries = options.map((entry) => ({ rules: resolveRules(entry), pattern: new ChannelPattern(entry.match) }));
    for (const [index, { pattern }] of this.entries.entries()) this.requireReachable(pattern, index);
  }

  /** Most bytes of a payload in any channel. */
  get largestMessage(): number {
    const sizes = this.entries.map(({ rules }) => rules.maxMessageSize);
    const isComplete = this.entries.some(({ pattern }) => pattern.text === '*');
    return Math.max(...sizes, ...(isComplete ? [] : [DEFAULT_RULES.maxMessageSize]));
  }

  rulesOf(channel: string): ChannelRules {
    for (const { pattern, rules } of this.entries) if (pattern.matches(channel)) return rules;
    return DEFAULT_RULES;
  }

  private requireReachable({ text }: ChannelPattern, index: number): void {
    // No name has a star: a pattern that matches the text of another matches all that the other does.
    const earlier = this.entries.slice(0, index).find(({ pattern }) => pattern.matches(text));
    if (earlier === undefined) return;
    throw new HubUsageError(
      'PB_HUB_OPTION',
      `the namespace ${text}: ${earlier.pattern.text} stands before it and matches all of its channels: put it first`,
    );
  }
}

function resolveRules(options: NamespaceOptions): ChannelRules {
  const { match, history = {}, presence = false, joinLeave = false, slowConsumer = 'close' } = options;
  const fail = (what: string): never => {
    throw new HubUsageError('PB_HUB_OPTION', `the namespace ${match}: ${what}`);
  };
  if (typeof match !== 'string') fail('match is missing: pass a pattern such as chat:*');
  const known = (names: object, allowed: readonly string[]): void => {
    for (const name of Object.keys(names))
      if (!allowed.includes(name)) fail(`there is no rule ${name}: there are ${allowed.join(', ')}`);
  };
  known(options, NAMES);
  known(history, HISTORY_NAMES);
  const flag = (name: string, value: boolean): boolean =>
    typeof value === 'boolean' ? value : fail(`${name} is ${String(value)}: pass true or false`);
  const whole = (name: string, value: number, least: number): number =>
    Number.isSafeInteger(value) && value >= least
      ? value
      : fail(`${name} is ${value}: pass a whole number from ${least}`);
  const oneOf = <T extends string>(name: string, value: T, allowed: readonly string[]): T =>
    allowed.includes(value) ? value : fail(`${name} is ${String(value)}: pass one of ${allowed.join(', ')}`);
  const audience = (name: string, value: Audience): Audience => oneOf(name, value, AUDIENCES);

  const subscribe = audience('subscribe', options.subscribe ?? 'anyone');
  const size = whole('history.size', history.size ?? 300, 0);
  if (slowConsumer === 'spill' && size === 0) fail('slowConsumer spill is served from the history: give it a size');
  if (joinLeave && !presence) fail('joinLeave needs presence: set it, too');
  const rate = options.rate ?? Infinity;
  if (typeof rate !== 'number' || !(rate > 0)) fail(`rate is ${rate}: pass publications a second, or leave it out`);
  return {
    retention: { size, ageMs: whole('history.ageMs', history.ageMs ?? 300_000, 1) },
    presence: flag('presence', presence),
    joinLeave: flag('joinLeave', joinLeave),
    subscribe,
    publish: audience('publish', options.publish ?? 'granted'),
    readHistory: audience('readHistory', options.readHistory ?? subscribe),
    maxMessageSize: whole('maxMessageSize', options.maxMessageSize ?? 1_048_576, 1),
    rate,
    slowConsumer: oneOf('slowConsumer', slowConsumer, POLICIES),
  };
}

const DEFAULT_RULES: ChannelRules = resolveRules({ match: '*' });
