import type { Member } from '@pulsebeacon/wire';
import type { Awaitable, Broker, Lease } from './broker.ts';
import type { ChannelState } from './channel-state.ts';
import type { Subscription } from './subscription.ts';

/** No name of a channel and no id of a client has a slash. */
const prefixOf = (channel: string): string => `presence/${channel}/`;

interface Signal {
  readonly event: 'join' | 'leave';
  readonly member: Member;
}

/** One client in one channel, by all its connections to this node. */
interface Attendance {
  readonly channel: string;
  readonly joinLeave: boolean;
  readonly member: Member;
  /** Of the leases that it has from all nodes. */
  readonly prefix: string;
  /** Of the lease that it has from this one. */
  readonly key: string;
  connections: number;
  /** Until then it may come back without having been gone; by `performance.now()`. */
  lingersUntil: number;
  /** A connection that lingers was over before the lease was taken: it is taken all the same. */
  isOwed: boolean;
  isHeld: boolean;
  isWorking: boolean;
}

/** Who is in a channel, as its subscribers here have been told. */
interface Watch {
  readonly members: Map<string, Member>;
  /** Who was signalled to have come or gone while the leases are being read: of them, those say nothing. */
  changed: Set<string> | undefined;
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
  private readonly attendances = new Map<string, Attendance>();
  private readonly watches = new Map<ChannelState, Watch>();
  private readonly working = new Set<Promise<void>>();
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
    return [...membersOf(await this.broker.leases(prefixOf(channel))).values()];
  }

  /** A client follows a channel from now on. */
  join(subscription: Subscription): void {
    const key = this.keyOf(subscription);
    let attendance = this.attendances.get(key);
    if (attendance === undefined) {
      attendance = attendanceOf(subscription, key);
      this.attendances.set(key, attendance);
    }
    subscription.isPresent = true;
    attendance.connections++;
    this.renewLater();
    this.settle(attendance);
  }

  /** It does not any more. Without effect where it was never present. */
  leave(subscription: Subscription): void {
    this.end(subscription, 0);
  }

  /** It is gone, but counts as present until its lease ends. */
  linger(subscription: Subscription): void {
    this.end(subscription, performance.now() + this.lifetimeMs);
  }

  /** A node has signalled who comes or goes. */
  onSignal(channel: ChannelState, data: string): void {
    const watch = this.watches.get(channel);
    if (watch === undefined) return;
    const { event, member } = JSON.parse(data) as Signal;
    watch.changed?.add(member.client);
    this.note(channel, watch, event, member);
  }

  /** A channel is followed here from now on; those who are in it already are no news to anybody. */
  watch(channel: ChannelState): Awaitable<void> {
    if (!channel.rules.joinLeave) return undefined;
    const watch: Watch = { members: new Map(), changed: new Set() };
    this.watches.set(channel, watch);
    this.renewLater();
    const leases = this.broker.leases(prefixOf(channel.name));
    return leases instanceof Promise ? leases.then((all) => seed(watch, all)) : seed(watch, leases);
  }

  /** Nobody follows the channel here. */
  forget(channel: ChannelState): void {
    this.watches.delete(channel);
  }

  /** Ends the leases of everybody here: the node goes. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.working);
    for (const { isHeld, key } of this.attendances.values()) if (isHeld) this.track(this.release(key));
    this.attendances.clear();
    this.watches.clear();
    await Promise.all(this.working);
  }

  private keyOf({ channel, client }: Subscription): string {
    return `${prefixOf(channel.name)}${client.id}/${this.node}`;
  }

  private end(subscription: Subscription, lingersUntil: number): void {
    if (!subscription.isPresent) return;
    subscription.isPresent = false;
    const attendance = this.attendances.get(this.keyOf(subscription));
    if (attendance === undefined) return;
    attendance.connections--;
    if (lingersUntil > 0) {
      attendance.lingersUntil = lingersUntil;
      attendance.isOwed = !attendance.isHeld;
    }
    this.settle(attendance);
  }

  private settle(attendance: Attendance): void {
    if (!attendance.isWorking) this.track(this.work(attendance));
  }

  /** Does for a client what is to be done, one thing after the other. A failure is made good by the next renewal. */
  private async work(attendance: Attendance, renew = false): Promise<void> {
    attendance.isWorking = true;
    try {
      if (renew && attendance.isHeld) await this.lease(attendance);
      while (attendance.isOwed || attendance.isHeld !== attendance.connections > 0) {
        if (attendance.isHeld) await this.exit(attendance);
        else await this.enter(attendance);
      }
    } catch (error) {
      this.onFailed(error);
    }
    attendance.isWorking = false;
    if (attendance.connections === 0) this.attendances.delete(attendance.key);
  }

  private async enter(attendance: Attendance): Promise<void> {
    const { joinLeave, prefix } = attendance;
    const before = joinLeave ? await this.broker.leases(prefix) : [];
    await this.lease(attendance);
    attendance.isHeld = true;
    attendance.isOwed = false;
    if (joinLeave && before.length === 0) await this.signal(attendance, 'join');
  }

  private async exit(attendance: Attendance): Promise<void> {
    attendance.isHeld = false;
    if (performance.now() < attendance.lingersUntil) return;
    await this.broker.release(attendance.key);
    if (!attendance.joinLeave) return;
    const others = await this.broker.leases(attendance.prefix);
    if (others.length === 0) await this.signal(attendance, 'leave');
  }

  private renewLater(): void {
    this.timer ??= setInterval(() => this.renew(), this.lifetimeMs / 3).unref();
  }

  private renew(): void {
    if (this.attendances.size + this.watches.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
    for (const attendance of this.attendances.values()) {
      if (!attendance.isWorking) this.track(this.work(attendance, true));
    }
    for (const [channel, watch] of this.watches)
      if (watch.changed === undefined) this.track(this.compare(channel, watch));
  }

  /** Finds who has come or gone without a signal. */
  private async compare(channel: ChannelState, watch: Watch): Promise<void> {
    const changed = new Set<string>();
    watch.changed = changed;
    try {
      const there = membersOf(await this.broker.leases(prefixOf(channel.name)));
      for (const member of there.values()) if (!changed.has(member.client)) this.note(channel, watch, 'join', member);
      for (const member of watch.members.values()) {
        if (!there.has(member.client) && !changed.has(member.client)) this.note(channel, watch, 'leave', member);
      }
    } catch (error) {
      this.onFailed(error);
    }
    watch.changed = undefined;
  }

  /** Tells subscribers what is news to them. */
  private note(channel: ChannelState, { members }: Watch, event: Signal['event'], member: Member): void {
    if (members.has(member.client) === (event === 'join')) return;
    if (event === 'join') members.set(member.client, member);
    else members.delete(member.client);
    channel.broadcast({ type: event, channel: channel.name, ...member });
  }

  private lease({ key, member }: Attendance): Awaitable<void> {
    return this.broker.lease(key, this.lifetimeMs, JSON.stringify(member));
  }

  private async release(key: string): Promise<void> {
    try {
      await this.broker.release(key);
    } catch (error) {
      this.onFailed(error);
    }
  }

  private signal({ channel, member }: Attendance, event: Signal['event']): Awaitable<void> {
    const signal: Signal = { event, member };
    return this.broker.signal(channel, JSON.stringify(signal));
  }

  /** @param work does not reject */
  private track(work: Promise<void>): void {
    this.working.add(work);
    void work.then(() => this.working.delete(work));
  }
}

function membersOf(leases: readonly Lease[]): Map<string, Member> {
  const members = new Map<string, Member>();
  for (const { value } of leases) {
    const member = JSON.parse(value) as Member;
    members.set(member.client, member);
  }
  return members;
}

function seed(watch: Watch, leases: readonly Lease[]): void {
  for (const [client, member] of membersOf(leases)) {
    if (!watch.changed!.has(client)) watch.members.set(client, member);
  }
  watch.changed = undefined;
}

function attendanceOf({ channel, client }: Subscription, key: string): Attendance {
  const { principal } = client.session;
  return {
    channel: channel.name,
    joinLeave: channel.rules.joinLeave,
    member: { client: client.id, ...(principal === undefined ? {} : { principal: principal.id }) },
    prefix: `${prefixOf(channel.name)}${client.id}/`,
    key,
    connections: 0,
    lingersUntil: 0,
    isOwed: false,
    isHeld: false,
    isWorking: false,
  };
}
