import { BeaconError, type BeaconOptions, type Channel } from '@pulsebeacon/client';
import type { Faults } from '@pulsebeacon/contracts/fault-proxy';
import { formatPosition } from '@pulsebeacon/wire';
import type { Site } from './site.ts';

/** What a client had of a channel, in the order in which it had it; `gap` is where it was told that something is missing. */
type Delivery = { readonly position: string; readonly id: string } | 'gap';

/** What is published: `publisher#number`. */
export interface Entry {
  readonly id: string;
}

interface Follower {
  readonly name: string;
  readonly channel: string;
  readonly deliveries: Delivery[];
}

/** Random numbers that come again by their seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Every publication of every channel, as the server itself has it, and every delivery to every client. */
export class Ledger {
  /** By channel: what the server published, in order. */
  private readonly truth = new Map<string, { readonly position: string; readonly id: string }[]>();
  private readonly followers: Follower[] = [];
  /** What a client was told is published, by id. */
  private readonly acknowledged = new Map<string, { readonly channel: string; readonly position: string }>();

  get publications(): number {
    return this.acknowledged.size;
  }

  get deliveries(): number {
    return this.followers.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
  }

  get gaps(): number {
    return this.followers.reduce((sum, { deliveries }) => sum + deliveries.filter((each) => each === 'gap').length, 0);
  }

  async watch(site: Site, channel: string): Promise<void> {
    const list: { position: string; id: string }[] = [];
    this.truth.set(channel, list);
    await site.hub.channel<Entry>(channel).subscribe(({ id }, publication) => {
      list.push({ position: formatPosition(publication), id });
    });
  }

  async follow(name: string, channel: Channel<Entry>): Promise<void> {
    const deliveries: Delivery[] = [];
    this.followers.push({ name, channel: channel.name, deliveries });
    channel.on('notRecovered', () => deliveries.push('gap'));
    await channel.subscribe(({ position, data: { id } }) => void deliveries.push({ position, id })).ready;
  }

  /** What is not acknowledged may have been published, or not: nothing was promised. */
  async publish(channel: Channel<Entry>, id: string): Promise<void> {
    try {
      const { position } = await channel.publish({ id });
      this.acknowledged.set(id, { channel: channel.name, position });
    } catch (error) {
      if (!(error instanceof BeaconError)) throw error;
    }
  }

  /** Whether everybody has had the newest of every channel. */
  isSettled(): boolean {
    return this.followers.every(({ channel, deliveries }) => {
      const newest = this.truth.get(channel)!.at(-1);
      const last = deliveries.at(-1);
      return newest === undefined || last === 'gap' || last?.position === newest.position;
    });
  }

  /** What is wrong, in words; empty where everything is as promised. */
  faults(): string[] {
    return [...this.faultsOfPublishing(), ...this.followers.flatMap((follower) => this.faultsOf(follower))];
  }

  private faultsOfPublishing(): string[] {
    const faults: string[] = [];
    for (const [channel, list] of this.truth) {
      const ids = new Set(list.map(({ id }) => id));
      if (ids.size < list.length) faults.push(`${list.length - ids.size} publications of ${channel} are there twice`);
      const last = new Map<string, number>();
      for (const { id } of list) {
        const [publisher = '', number] = id.split('#');
        if (Number(number) < (last.get(publisher) ?? -1)) faults.push(`${id} was published after a later one`);
        last.set(publisher, Number(number));
      }
    }
    for (const [id, { channel, position }] of this.acknowledged) {
      if (!this.truth.get(channel)!.some((each) => each.id === id && each.position === position)) {
        faults.push(`${id} was acknowledged at ${position} of ${channel}, and is not there`);
      }
    }
    return faults;
  }

  /** Between two deliveries nothing is missing, unless the client was told so. */
  private faultsOf({ name, channel, deliveries }: Follower): string[] {
    const list = this.truth.get(channel)!;
    const places = new Map(list.map(({ position }, at) => [position, at]));
    const faults: string[] = [];
    let next = 0;
    let mayMiss = false;
    for (const delivery of deliveries) {
      if (delivery === 'gap') {
        mayMiss = true;
        continue;
      }
      const { position, id } = delivery;
      const at = places.get(position);
      if (at === undefined) faults.push(`${name} had ${position} of ${channel}, which was never published`);
      else if (at < next) faults.push(`${name} had ${position} of ${channel} twice, or too late`);
      else if (at > next && !mayMiss) faults.push(`${name} misses ${at - next} before ${position} of ${channel}`);
      else if (list[at]!.id !== id) faults.push(`${name} had another ${position} of ${channel}`);
      if (at !== undefined) next = at + 1;
      mayMiss = false;
    }
    if (next < list.length && !mayMiss) faults.push(`${name} misses the last ${list.length - next} of ${channel}`);
    return faults;
  }
}

/** Something bad, for a while. */
const FAULTS: readonly Faults[] = [
  { freeze: true },
  { refuse: true },
  { stripUpgrade: true },
  { muteUpgraded: true },
  { bufferResponses: true },
  { stripUpgrade: true, bufferResponses: true },
  { cutAfter: 150 },
  { cutAfterBytes: 700, cutBy: 'reset' },
  { delay: 60 },
  { trickle: { bytes: 200, every: 5 } },
];

/** Breaks the network of all clients once, or the server, and repairs it. */
export async function torment(site: Site, random: () => number, pause: (ms: number) => Promise<void>): Promise<void> {
  const isCut = random() < 0.6;
  if (random() < 0.15) site.restart();
  if (isCut) site.proxy.cut(random() < 0.5 ? 'end' : 'reset');
  if (random() < 0.7) {
    site.proxy.set(FAULTS[Math.floor(random() * FAULTS.length)]);
    if (isCut) site.proxy.cut('reset');
    await pause(50 + random() * 700);
    site.proxy.set();
  }
  await pause(50 + random() * 300);
}

/** Clients by each transport alone, and by all of them. */
export const KINDS: readonly BeaconOptions[] = [
  { transports: ['websocket'] },
  { transports: ['ndjson'] },
  { transports: ['sse'] },
  { transports: ['poll'] },
  {},
  { transports: ['poll', 'ndjson'] },
];
