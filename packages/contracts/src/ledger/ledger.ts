import { readPosition } from '@pulsebeacon/wire';

/** What was published, and where it is: the id says by whom and which, `publisher#number`. */
export interface Entry {
  readonly position: string;
  readonly id: string;
}

/** What a follower had of a channel, in its order; `gap` is where it was told that something is missing. */
interface Follower {
  readonly name: string;
  readonly channel: string;
  readonly deliveries: (Entry | 'gap')[];
}

/** What is known of a channel. */
interface Account {
  /** Ids by position: what was acknowledged, delivered or kept. */
  readonly entries: Map<string, string>;
  acknowledged: number;
  /** All that the server has of it; undefined where it does not keep all. */
  kept: ReadonlySet<string> | undefined;
  newest: string | undefined;
}

/**
 * Every publication that was acknowledged, and every delivery to every follower: what is promised of both, and does not
 * hold, is a fault.
 */
export class Ledger {
  private readonly accounts = new Map<string, Account>();
  private readonly followers: Follower[] = [];
  private wake = (): void => {};

  get publications(): number {
    return [...this.accounts.values()].reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }

  get deliveries(): number {
    return this.followers.reduce((sum, { deliveries }) => sum + deliveries.length, 0) - this.gaps();
  }

  /** How often followers of a channel, or of all, were told that something is missing. */
  gaps(channel?: string): number {
    const meant = this.followers.filter((follower) => channel === undefined || follower.channel === channel);
    return meant.reduce((sum, { deliveries }) => sum + deliveries.filter((each) => each === 'gap').length, 0);
  }

  /** Somebody follows a channel from its first publication on. @returns what that one is to tell */
  follow(name: string, channel: string): { delivered(entry: Entry): void; gap(): void } {
    const deliveries: (Entry | 'gap')[] = [];
    this.followers.push({ name, channel, deliveries });
    return {
      delivered: (entry) => {
        deliveries.push(entry);
        this.note(channel, entry);
      },
      gap: () => {
        deliveries.push('gap');
        this.wake();
      },
    };
  }

  /** A publisher was told that it is published. What no one was told of may have been published, or not. */
  acknowledge(channel: string, entry: Entry): void {
    this.account(channel).acknowledged++;
    this.note(channel, entry);
  }

  /** The server keeps all of this channel, and says what that is: nothing in it can be missed for good. */
  keep(channel: string, entries: readonly Entry[]): void {
    for (const entry of entries) this.note(channel, entry);
    this.account(channel).kept = new Set(entries.map(({ position }) => position));
  }

  /** Resolves once everybody has had the newest of every channel, or was told that something is missing behind the last. */
  async settled(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.wake());
    while (!signal.aborted && !this.isSettled()) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  /** What is wrong, in words; empty where everything is as promised. */
  faults(): string[] {
    return [...this.accounts].flatMap(([channel, account]) => {
      const order = [...account.entries]
        .map(([position, id]) => ({ position, id }))
        .sort((a, b) => offsetOf(a) - offsetOf(b));
      const followers = this.followers.filter((follower) => follower.channel === channel);
      const faults = [
        ...faultsOfPublishing(channel, account, order),
        ...followers.flatMap((each) => faultsOf(each, order)),
      ];
      const gaps = this.gaps(channel);
      if (gaps > 0 && account.kept !== undefined) faults.push(`${gaps} gaps in ${channel}, of which all is kept`);
      return faults;
    });
  }

  private isSettled(): boolean {
    return this.followers.every(({ channel, deliveries }) => {
      const { newest } = this.account(channel);
      const last = deliveries.at(-1);
      return newest === undefined || last === 'gap' || last?.position === newest;
    });
  }

  private note(channel: string, { position, id }: Entry): void {
    const account = this.account(channel);
    const known = account.entries.get(position);
    // Two of one position: none of them is right, which shows as a delivery of another one.
    account.entries.set(position, known === undefined || known === id ? id : `${known} and ${id}`);
    if (account.newest === undefined || offsetOf({ position }) > offsetOf({ position: account.newest }))
      account.newest = position;
    this.wake();
  }

  private account(channel: string): Account {
    let account = this.accounts.get(channel);
    if (account === undefined) {
      account = { entries: new Map(), acknowledged: 0, kept: undefined, newest: undefined };
      this.accounts.set(channel, account);
    }
    return account;
  }
}

/** In the order of a channel, as long as its epoch is the same. */
const offsetOf = ({ position }: { readonly position: string }): number => readPosition(position)?.offset ?? Number.NaN;

function faultsOfPublishing(channel: string, { kept }: Account, order: readonly Entry[]): string[] {
  const faults: string[] = [];
  const epochs = new Set(order.map(({ position }) => readPosition(position)?.epoch));
  if (epochs.size > 1) faults.push(`${channel} has begun anew, with ${epochs.size} epochs`);
  const ids = new Set(order.map(({ id }) => id));
  if (ids.size < order.length) faults.push(`${order.length - ids.size} publications of ${channel} are there twice`);
  const last = new Map<string, number>();
  for (const { id } of order) {
    const [publisher = '', number] = id.split('#');
    if (Number(number) < (last.get(publisher) ?? -1)) faults.push(`${id} was published after a later one`);
    last.set(publisher, Number(number));
  }
  for (const { position, id } of order) {
    if (kept?.has(position) === false) faults.push(`${id} was told of at ${position} of ${channel}, and is not there`);
  }
  return faults;
}

/** Between two deliveries nothing is missing, unless the follower was told so. */
function faultsOf({ name, channel, deliveries }: Follower, order: readonly Entry[]): string[] {
  const places = new Map(order.map(({ position }, at) => [position, at]));
  const faults: string[] = [];
  let next = 0;
  let mayMiss = false;
  for (const delivery of deliveries) {
    if (delivery === 'gap') {
      mayMiss = true;
      continue;
    }
    const { position, id } = delivery;
    const at = places.get(position)!;
    if (at < next) faults.push(`${name} had ${position} of ${channel} twice, or too late`);
    else if (at > next && !mayMiss) faults.push(`${name} misses ${at - next} before ${position} of ${channel}`);
    else if (order[at]!.id !== id) faults.push(`${name} had ${id} at ${position} of ${channel}: ${order[at]!.id}`);
    next = at + 1;
    mayMiss = false;
  }
  if (next < order.length && !mayMiss) faults.push(`${name} misses the last ${order.length - next} of ${channel}`);
  return faults;
}
