import type { Hub } from '@pulsebeacon/hub';
import { formatPosition, type Publication } from '@pulsebeacon/wire';
import { excerptOf } from './excerpt.ts';
import type { ChannelDetail, ChannelList, ChannelSummary } from './messages.ts';

const NEWEST = 20;

type Channel = Hub['activeChannels'] extends Iterable<infer Each> ? Each : never;

/** The channels that somebody follows, and how much is published in each. */
export class ChannelLists {
  private readonly hub: Hub;
  /** What was counted when somebody looked last, and the rate since the look before. */
  private readonly looks = new WeakMap<Channel, { at: number; published: number; rate: number | null }>();

  constructor(hub: Hub) {
    this.hub = hub;
  }

  /** Looks how many there were since the last look. To be called at a steady pace, while somebody wants to know. */
  look(): void {
    const now = performance.now();
    for (const channel of this.hub.activeChannels) {
      const before = this.looks.get(channel);
      const { published } = channel;
      if (before === undefined) {
        this.looks.set(channel, { at: now, published, rate: null });
        continue;
      }
      const seconds = (now - before.at) / 1000;
      // Nobody has looked for a while: what came meanwhile did not come just now.
      before.rate = seconds > 5 ? null : Math.round((published - before.published) / Math.max(seconds, 0.001));
      before.at = now;
      before.published = published;
    }
  }

  /** The busiest first. */
  list(limit: number, text = ''): ChannelList {
    const found: ChannelSummary[] = [];
    for (const channel of this.hub.activeChannels) {
      if (channel.name.includes(text)) found.push(this.summaryOf(channel));
    }
    found.sort((a, b) => (b.rate ?? 0) - (a.rate ?? 0) || b.subscribers - a.subscribers || (a.name < b.name ? -1 : 1));
    return { total: found.length, items: found.slice(0, limit) };
  }

  /** A channel with its newest publications, whether or not somebody follows it. */
  async find(name: string): Promise<ChannelDetail> {
    const { publications } = await this.hub.history(name, { limit: NEWEST });
    let active: Channel | undefined;
    for (const channel of this.hub.activeChannels) if (channel.name === name) active = channel;
    const { retention, presence, slowConsumer } = this.hub.rulesOf(name);
    const summary =
      active === undefined ? { name, subscribers: 0, rate: null, history: { ...retention } } : this.summaryOf(active);
    return { ...summary, presence, slowConsumer, publications: publications.toReversed().map(describe) };
  }

  private summaryOf(channel: Channel): ChannelSummary {
    const { size, ageMs } = channel.rules.retention;
    return {
      name: channel.name,
      subscribers: channel.subscriptions.size,
      rate: this.looks.get(channel)?.rate ?? null,
      history: { size, ageMs },
    };
  }
}

function describe(publication: Publication): ChannelDetail['publications'][number] {
  const { time, contentType, data } = publication;
  return { position: formatPosition(publication), time, contentType, ...excerptOf(data) };
}
