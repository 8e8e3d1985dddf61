import type { Member, Publication, ServerMessage, Since, WireError } from '@pulsebeacon/wire';
import type { HubClient } from './client.ts';
import type { EncodedPublication } from './encoded-publication.ts';
import type { HistoryPage } from './broker.ts';
import type { HistoryCallOptions, Hub, PublishCallOptions, PublishResult } from './hub.ts';
import type { Outlet } from './outlet.ts';
import { payloadOfBody, payloadOfValue } from './payloads.ts';
import { newSession } from './session-token.ts';

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
    const payload = payloadOfValue(value);
    const typed =
      contentType === undefined
        ? payload
        : payloadOfBody(Buffer.from(payload.data as string | Uint8Array), contentType);
    return this.hub.publish(this.name, { ...typed, key }, options);
  }

  /**
   * Calls `handler` with everything that is published from now on or, with `since`, from there on: in order, once.
   * @returns once that is so
   */
  async subscribe(
    handler: (value: T, publication: Publication) => void,
    { since, notRecovered }: ChannelSubscribeOptions = {},
  ): Promise<Unsubscribe> {
    const outlet = new LocalOutlet<T>(handler, notRecovered);
    const client = this.hub.connect(newSession(SERVER), outlet, {
      remoteAddress: undefined,
      path: '',
      httpVersion: '',
    });
    outlet.client = client;
    try {
      await client.subscribe(this.name, { since });
    } catch (error) {
      client.closed();
      throw error;
    }
    return () => client.closed();
  }

  history(options: HistoryCallOptions = {}): Promise<HistoryPage> {
    return this.hub.history(this.name, options);
  }

  presence(): Promise<Member[]> {
    return this.hub.members(this.name);
  }
}

const SERVER = { id: 'server', grants: [{ actions: ['subscribe', 'publish', 'history'], channels: ['*'] }] } as const;

/** A handler of the application in the place of a client. */
class LocalOutlet<T> implements Outlet {
  readonly transport = 'local' as const;
  readonly queuedBytes = 0;
  client: HubClient | undefined;
  private readonly handler: (value: T, publication: Publication) => void;
  private readonly notRecovered: ((position: string) => void) | undefined;

  constructor(
    handler: (value: T, publication: Publication) => void,
    notRecovered: ((position: string) => void) | undefined,
  ) {
    this.handler = handler;
    this.notRecovered = notRecovered;
  }

  publication({ publication }: EncodedPublication): boolean {
    const { kind, data } = publication;
    try {
      this.handler((kind === 'json' ? JSON.parse(data as string) : data) as T, publication);
    } catch (error) {
      // A fault of the application is its own: the others are delivered to all the same.
      this.client!.hub.onFailed(error);
    }
    return true;
  }

  message(message: ServerMessage): void {
    if (message.type === 'subscribed' && !message.recovered) this.notRecovered?.(message.position!);
  }

  close(_error: WireError): void {
    this.client!.closed();
  }
}
