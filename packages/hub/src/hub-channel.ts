import {
  type Member,
  parseStateKey,
  type Publication,
  type ServerMessage,
  type Since,
  type WireError,
} from '@pulsebeacon/wire';
import type { Principal } from './access.ts';
import type { ClientOrigin, HubClient } from './client.ts';
import type { EncodedPublication } from './encoded-publication.ts';
import type { HistoryPage } from './broker.ts';
import type { Hub } from './hub.ts';
import type { HistoryCallOptions, PublishCallOptions, PublishResult } from './hub-options.ts';
import type { Outlet } from './outlet.ts';
import { payloadOfValue } from './payloads.ts';

export interface ChannelPublishOptions extends Omit<PublishCallOptions, 'by'> {
  /** What it is the newest state of, for channels that conflate. */
  readonly key?: string;
  /** For text and bytes that are something else than text and bytes: `image/png`. */
  readonly contentType?: string;
}

export interface ChannelSubscribeOptions {
  readonly since?: Since;
  /** Instead of what was missed, which is not kept any more: where the channel is now. */
  readonly notRecovered?: (position: string) => void;
  /** The subscription was ended by something else than the caller: the broker failed, or the hub was drained or closed. */
  readonly ended?: (error: WireError) => void;
}

/** Ends a subscription. */
export type Unsubscribe = () => void;

/** A channel as the server itself uses it. `T` is what is published in it: text, bytes, or any JSON value. */
export class HubChannel<T = unknown> {
  readonly name: string;
  private readonly hub: Hub;

  constructor(hub: Hub, name: string) {
    this.hub = hub;
    this.name = name;
  }

  /**
   * Publishes a string as text, bytes as binary, any other value as JSON.
   * @throws {WireError} where it is too large, or comes too fast, or is no JSON
   */
  publish(value: T, { key, contentType, ...options }: ChannelPublishOptions = {}): Promise<PublishResult> {
    try {
      const { kind, contentType: type, data } = payloadOfValue(value, contentType);
      const publication = { kind, contentType: type, data, key: key === undefined ? undefined : parseStateKey(key) };
      return this.hub.publish(this.name, publication, options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * Calls `handler` with everything that is published from now on or, with `since`, from there on: in order, once. What
   * the handler throws is told to the hub's `failed` hook, and ends nothing.
   * @returns once that is so
   * @throws {WireError} where the broker fails, or the hub is closed meanwhile
   */
  async subscribe(
    handler: (value: T, publication: Publication) => void,
    options: ChannelSubscribeOptions = {},
  ): Promise<Unsubscribe> {
    const outlet = new LocalOutlet<T>(this.hub, handler, options);
    const client = this.hub.connectLocal(outlet);
    outlet.client = client;
    try {
      await client.follow(this.name, { since: options.since });
    } catch (error) {
      client.closed();
      throw this.hub.toWireError(error);
    }
    outlet.begun();
    return () => client.closed();
  }

  history(options: HistoryCallOptions = {}): Promise<HistoryPage> {
    return this.hub.history(this.name, options);
  }

  presence(): Promise<Member[]> {
    return this.hub.members(this.name);
  }
}

export const SERVER_PRINCIPAL: Principal = { id: 'server', grants: [] };
export const SERVER_ORIGIN: ClientOrigin = { remoteAddress: undefined, path: '', httpVersion: '' };

/** A handler of the application in the place of a client. */
class LocalOutlet<T> implements Outlet {
  readonly transport = 'local' as const;
  readonly queuedBytes = 0;
  readonly isOfOneChannel = true;
  client: HubClient | undefined;
  private readonly hub: Hub;
  private readonly handler: (value: T, publication: Publication) => void;
  private readonly options: ChannelSubscribeOptions;
  private hasBegun = false;
  private end: WireError | undefined;

  constructor(hub: Hub, handler: (value: T, publication: Publication) => void, options: ChannelSubscribeOptions) {
    this.hub = hub;
    this.handler = handler;
    this.options = options;
  }

  /** From now on an end is told by `ended`. @throws {WireError} where it has ended already */
  begun(): void {
    if (this.end !== undefined) throw this.end;
    this.hasBegun = true;
  }

  publication({ publication }: EncodedPublication): boolean {
    const { kind, data } = publication;
    // A fault of the application is its own: the others are delivered to all the same.
    try {
      this.handler((kind === 'json' ? JSON.parse(data as string) : data) as T, publication);
    } catch (error) {
      this.hub.onFailed(error);
    }
    return true;
  }

  message(message: ServerMessage): void {
    if (message.type !== 'subscribed' || message.recovered) return;
    try {
      this.options.notRecovered?.(message.position!);
    } catch (error) {
      this.hub.onFailed(error);
    }
  }

  close(why: WireError): void {
    this.client!.closed();
    this.end = why;
    if (!this.hasBegun) return;
    try {
      this.options.ended?.(why);
    } catch (error) {
      this.hub.onFailed(error);
    }
  }
}
