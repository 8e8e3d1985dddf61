import type { Member } from '@pulsebeacon/wire';
import type { Awaitable, Broker } from './broker.ts';
import type { ChannelState } from './channel-state.ts';
import type { Subscription } from './subscription.ts';

/** No name of a channel and no id of a client has a slash. */
const prefixOf = (channel: string): string => `presence/${channel}/`;

interface Signal {
  readonly event: 'join' | 'leave';
  readonly member: Member;
}

/**
 * Who is present in which channel. Each client that follows it holds a lease at the broker, renewed while it is there; so
 * whoever dies with its node, without a word, is gone when the lease ends. Who comes and goes is signalled to all nodes;
 * each compares with the leases now and then, and so finds those who could not say that they leave.
 */
export class Presence {
  private readonly broker: Broker;
  private readonly lifetimeMs: number;
  private readonly node: string;
  private readonly onFailed: (error: unknown) => void;
  private readonly present = new Set<Subscription>();
  /** Whom the subscribers of a channel have been told of. */
  private readonly known = new Map<ChannelState, Map<string, Member>>();
  private timer: NodeJS.Timeout | undefined;

  /** @param node random: tells apart the connections that a client has to several nodes */
  constructor(broker: Broker, lifetimeMs: number, node: string, onFailed: (error: unknown) => void) {
    this.broker = broker;
    this.lifetimeMs = lifetimeMs;
    this.node = node;
    this.onFailed = onFailed;
  }

  /** The members of a channel, in the order of their ids: each client once, however many connections it has. */
  async members(channel: string): Promise<Member[]> {
    const leases = await this.broker.leases(prefixOf(channel));
    const members = new Map<string, Member>();
    for (const { value } of leases) {
      const member = JSON.parse(value) as Member;
      members.set(member.client, member);
    }
    return [...members.values()];
  }

  /** A client follows a channel from now on. */
  join(subscription: Subscription): void {
    this.present.add(subscription);
    this.timer ??= setInterval(() => this.renew(), this.lifetimeMs / 3).unref();
    this.run(this.enter(subscription));
  }

  /** It does not any more. Without effect where it was never present. */
  leave(subscription: Subscription): void {
    if (!this.present.delete(subscription)) return;
    this.run(this.exit(subscription));
  }

  /** It is gone, but counts as present until its lease ends. */
  linger(subscription: Subscription): void {
    this.present.delete(subscription);
  }

  /** A node has signalled who comes or goes. */
  onSignal(channel: ChannelState, data: string): void {
    const { event, member } = JSON.parse(data) as Signal;
    const known = this.knownIn(channel);
    if (known.has(member.client) === (event === 'join')) return;
    if (event === 'join') known.set(member.client, member);
    else known.delete(member.client);
    channel.broadcast({ type: event, channel: channel.name, ...member });
  }

  /** Nobody follows the channel here. */
  forget(channel: ChannelState): void {
    this.known.delete(channel);
  }

  /** Ends the leases of everybody here: the node goes. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    const present = [...this.present];
    this.present.clear();
    await Promise.all(present.map((subscription) => this.broker.release(this.keyOf(subscription))));
  }

  private keyOf({ channel, client }: Subscription): string {
    return `${prefixOf(channel.name)}${client.id}/${this.node}`;
  }

  private async enter(subscription: Subscription): Promise<void> {
    const { channel } = subscription;
    const member = memberOf(subscription);
    const { joinLeave } = channel.rules;
    const before = joinLeave ? await this.broker.leases(`${prefixOf(channel.name)}${member.client}/`) : [];
    if (joinLeave && !this.known.has(channel)) await this.compare(channel);
    if (!this.present.has(subscription)) return;
    await this.lease(subscription, member);
    if (joinLeave && before.length === 0) await this.signal(channel, { event: 'join', member });
  }

  private async exit(subscription: Subscription): Promise<void> {
    const { channel } = subscription;
    const member = memberOf(subscription);
    // The same client may have come back to this node meanwhile.
    for (const other of this.present) {
      if (other.channel.name === channel.name && other.client.id === member.client) return;
    }
    await this.broker.release(this.keyOf(subscription));
    if (!channel.rules.joinLeave) return;
    const others = await this.broker.leases(`${prefixOf(channel.name)}${member.client}/`);
    if (others.length === 0) await this.signal(channel, { event: 'leave', member });
  }

  private renew(): void {
    for (const subscription of this.present) this.run(this.lease(subscription, memberOf(subscription)));
    for (const channel of this.known.keys()) this.run(this.compare(channel));
  }

  /** Finds who has come or gone without a signal. */
  private async compare(channel: ChannelState): Promise<void> {
    const known = this.knownIn(channel);
    const members = await this.members(channel.name);
    const there = new Set(members.map(({ client }) => client));
    for (const member of members) {
      if (known.has(member.client)) continue;
      known.set(member.client, member);
      channel.broadcast({ type: 'join', channel: channel.name, ...member });
    }
    for (const [client, member] of known) {
      if (there.has(client)) continue;
      known.delete(client);
      channel.broadcast({ type: 'leave', channel: channel.name, ...member });
    }
  }

  private knownIn(channel: ChannelState): Map<string, Member> {
    let known = this.known.get(channel);
    if (known === undefined) this.known.set(channel, (known = new Map()));
    return known;
  }

  private lease(subscription: Subscription, member: Member): Awaitable<void> {
    return this.broker.lease(this.keyOf(subscription), this.lifetimeMs, JSON.stringify(member));
  }

  private signal(channel: ChannelState, signal: Signal): Awaitable<void> {
    return this.broker.signal(channel.name, JSON.stringify(signal));
  }

  private run(work: Awaitable<void>): void {
    if (work instanceof Promise) work.catch(this.onFailed);
  }
}

function memberOf({ client }: Subscription): Member {
  const { principal } = client.session;
  return { client: client.id, ...(principal === undefined ? {} : { principal: principal.id }) };
}
