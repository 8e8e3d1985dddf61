import type { Publication, Reach } from '@pulsebeacon/wire';
import type { Awaitable, Broker } from './broker.ts';
import { type ChannelOwner, ChannelState } from './channel-state.ts';
import type { Tally } from './counts.ts';
import type { Hub } from './hub.ts';
import type { ChannelRules } from './namespaces.ts';

type ChannelsHub = Pick<Hub, 'broker' | 'hooks' | 'namespaces' | 'onFailed' | 'presence'>;

/** The channels that somebody follows on this node: what becomes of them is counted, and told to hooks and presence. */
export class FollowedChannels implements ChannelOwner {
  readonly broker: Broker;
  readonly isTimed: boolean;
  private readonly hub: ChannelsHub;
  private readonly tally: Tally;
  private readonly states = new Map<string, ChannelState>();

  constructor(hub: ChannelsHub, tally: Tally) {
    this.broker = hub.broker;
    this.isTimed = hub.hooks.delivered !== undefined;
    this.hub = hub;
    this.tally = tally;
  }

  get size(): number {
    return this.states.size;
  }

  values(): IterableIterator<ChannelState> {
    return this.states.values();
  }

  get(name: string): ChannelState | undefined {
    return this.states.get(name);
  }

  /** For {@link HubClient}: the state of a channel that somebody follows from now on. */
  open(name: string): ChannelState {
    let state = this.states.get(name);
    if (state === undefined) {
      state = new ChannelState(name, this.hub.namespaces.rulesOf(name), this);
      state.attach();
      this.states.set(name, state);
    }
    return state;
  }

  /** The rules of a channel. Those of one that somebody follows are known already. */
  rulesOf(name: string): ChannelRules {
    return this.states.get(name)?.rules ?? this.hub.namespaces.rulesOf(name);
  }

  /** Hears of none of them any more. */
  close(): void {
    for (const channel of this.states.values()) channel.detach();
    this.states.clear();
  }

  onAttached(channel: ChannelState): Awaitable<void> {
    return this.hub.presence.watch(channel);
  }

  onAttachFailed(channel: ChannelState): void {
    this.onIdle(channel);
  }

  onDelivered(publication: Publication, reach: Reach, at: number): void {
    this.tally.delivered += reach.sent + reach.queued;
    this.tally.skipped += reach.skipped;
    this.hub.hooks.delivered?.(publication, reach, performance.now() - at);
  }

  onSignal(channel: ChannelState, data: string): void {
    this.hub.presence.onSignal(channel, data);
  }

  onFollowed(change: 1 | -1): void {
    this.tally.subscriptions += change;
  }

  onIdle(channel: ChannelState): void {
    // After a failure, another one may have taken its place.
    if (this.states.get(channel.name) === channel) this.states.delete(channel.name);
    this.hub.presence.forget(channel);
    channel.detach();
  }

  onFailed(error: unknown): void {
    this.hub.onFailed(error);
  }

  /** For {@link Subscription}: a client that came with a position was, or was not, given what it had missed. */
  onRecovery(isRecovered: boolean): void {
    if (isRecovered) this.tally.recovered++;
    else this.tally.notRecovered++;
  }

  /** For {@link Subscription}: so many that waited for a client were left out for newer ones. */
  onSkipped(count: number): void {
    this.tally.skipped += count;
  }
}
