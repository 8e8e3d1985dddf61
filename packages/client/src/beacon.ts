import type { ServerMessage } from '@pulsebeacon/wire';
import { backoff } from './backoff.ts';
import { Channel, type ChannelHost } from './channel.ts';
import { Connection } from './connection/connection.ts';
import { toError } from './connection/ending.ts';
import type { BeaconState } from './connection/machine.ts';
import { Emitter } from './emitter.ts';
import { BeaconError } from './errors.ts';
import { type BeaconOptions, resolveOptions } from './options.ts';
import { errorOf } from './outbox.ts';
import { globals, now, soon } from './platform.ts';
import { Sender } from './sender.ts';
import type { TransportName } from './transports/transport.ts';

/** How the connection is. */
export interface BeaconStatus {
  readonly state: BeaconState;
  /** Why, in words for people. */
  readonly reason: string;
  /** By which transport it is online, or was. */
  readonly transport: TransportName | undefined;
  /** In how many milliseconds it tries again; undefined where it does so now, or does not. */
  readonly retryIn: number | undefined;
  /** Why it has given up. */
  readonly error: BeaconError | undefined;
}

export interface BeaconEvents {
  /** `state`, or the reason for it, has changed. */
  statechange: BeaconStatus;
}

/** A connection to a server, and the channels that go over it. */
export class Beacon extends Emitter<BeaconEvents> {
  /** By name, in the order of their ids. */
  private readonly channels = new Map<string, Channel>();
  private readonly byId: Channel[] = [];
  private readonly connection: Connection;
  private readonly sender: Sender;
  private readonly host: ChannelHost;
  private failure: BeaconError | undefined;

  /**
   * Connects at the end of the turn.
   * @param url of the server, such as `https://example.com`; a path is that under which its channels are
   * @throws {BeaconError} `PB_CLIENT_OPTION`
   */
  constructor(url: string, options: BeaconOptions = {}) {
    super();
    const settings = resolveOptions(url, options);
    this.connection = new Connection(settings, {
      subscribes: () => this.subscribes(),
      onMessage: (message) => this.onMessage(message),
      onState: () => this.emit('statechange', this.status),
      onLink: (before) => this.sender.onLink(before),
      onStopped: (ending) => this.giveUp(toError(ending)),
    });
    this.sender = new Sender(this.connection, settings);
    this.host = {
      send: (command) => (this.failure === undefined ? this.sender.send(command) : Promise.reject(this.failure)),
      sync: () => this.connection.sync(),
      resume: (channel, retryAfter) => {
        this.connection.forget(channel);
        const ms = backoff(2, settings.backoff, Math.random(), retryAfter);
        globals.setTimeout(() => this.channels.get(channel)?.wake(), ms);
      },
    };
    soon(() => {
      if (this.failure === undefined) this.connection.start();
    });
  }

  get state(): BeaconState {
    return this.connection.machine.state;
  }

  /** Why the state is what it is, in words for people. */
  get reason(): string {
    return this.connection.machine.reason;
  }

  get status(): BeaconStatus {
    const { machine, transport } = this.connection;
    const { state, reason, retryAt } = machine;
    const retryIn = retryAt && Math.round(Math.max(0, retryAt - now()));
    return { state, reason, transport, retryIn, error: this.failure };
  }

  /** By which transport it is online, or was. */
  get transport(): TransportName | undefined {
    return this.connection.transport;
  }

  /** Whom presence, `join` and `leave` mean by this client; undefined before it was online. */
  get client(): string | undefined {
    return this.connection.client;
  }

  /** Publications and questions that have no reply yet. */
  get queued(): number {
    return this.sender.queued;
  }

  /**
   * A channel; the same name gives the same one. Its type is for you to say: what is published is not checked.
   */
  channel<T = unknown>(name: string): Channel<T> {
    let channel = this.channels.get(name) as unknown as Channel<T> | undefined;
    if (channel === undefined) {
      channel = new Channel<T>(name, this.byId.length, this.host);
      this.byId.push(channel as unknown as Channel);
      this.channels.set(name, channel as unknown as Channel);
    }
    return channel;
  }

  /** Tries again at once: after it has given up, or while it waits. */
  connect(): void {
    this.failure = undefined;
    this.connection.start();
    this.connection.machine.wake('asked to try again');
  }

  /** Ends the connection. What waits to be published is rejected with `PB_CLIENT_CLOSED`. */
  close(): void {
    const error = new BeaconError('PB_CLIENT_CLOSED', 'the beacon was closed');
    // Such as by somebody who hears of it.
    if (this.failure?.code === error.code) return;
    this.failure = error;
    this.connection.stop('closed');
    this.sender.rejectAll(error);
    for (const channel of this.channels.values()) channel.fail(error);
  }

  private subscribes() {
    const commands = [...this.channels.values()].map(({ subscribeCommand }) => subscribeCommand);
    return commands.filter((command) => command !== undefined);
  }

  private onMessage(message: ServerMessage): void {
    if (message.type === 'publication') return this.channels.get(message.channel)?.onMessage(message);
    if (this.sender.onReply(message)) return undefined;
    if (message.type === 'error') {
      // Other ids are those of commands that were answered already, by another link.
      if (message.id !== undefined && !HARMLESS.includes(message.code))
        this.refuse(this.byId[message.id], errorOf(message));
      return undefined;
    }
    if (!('channel' in message)) return undefined;
    const channel = this.channels.get(message.channel);
    if (message.type === 'unsubscribed' && message.code !== undefined) {
      // It had begun, so it may again; whether that is so, `subscribe` is told.
      this.refuse(channel, new BeaconError(message.code, message.detail ?? message.code, { retry: true }));
    } else channel?.onMessage(message);
    return undefined;
  }

  private refuse(channel: Channel | undefined, error: BeaconError): void {
    if (channel === undefined) return;
    this.connection.forget(channel.name);
    channel.onRefused(error);
  }

  private giveUp(error: BeaconError): void {
    this.failure = error;
    this.sender.rejectAll(error);
    const channels = [...this.channels.values()];
    const isHeard = this.hasListener('statechange') || !channels.some(({ isUnheard }) => isUnheard);
    if (!isHeard) globals.console.error('given up:', error);
    this.emit('statechange', this.status);
    for (const channel of channels) channel.onGivenUp(error);
  }
}

/** What a subscription says that is as it should be. */
const HARMLESS: readonly string[] = ['PB_ALREADY_SUBSCRIBED', 'PB_NOT_SUBSCRIBED'];
