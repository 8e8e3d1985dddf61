import type {
  HandshakeEvent,
  OpeningRequest,
  OriginPolicyOptions,
  Refusal,
  TrustedProxiesOptions,
} from '@pulsebeacon/websocket';
import type { Publication, Reach, Since, WireError, WireErrorCode } from '@pulsebeacon/wire';
import type { Action, Authenticator, Principal } from './access.ts';
import type { Broker } from './broker.ts';
import type { ClientOrigin, HubClient } from './client.ts';
import type { HubRequest } from './http/request.ts';
import type { HubLimits } from './limits.ts';
import type { NamespaceOptions } from './namespaces.ts';
import type { Session } from './session-token.ts';

/**
 * What an application hears of, and decides on. What `authorize` throws refuses; what another one throws is told to
 * `failed`, and changes nothing.
 */
export interface HubHooks {
  /**
   * A new live client (WebSocket, stream, poll) asks to come in or, where `isLive` is false, somebody publishes by a request
   * of its own; nothing else has been looked at yet. A {@link Refusal} is the answer to it.
   */
  admit?(request: HubRequest, isLive: boolean): Refusal | undefined;
  /**
   * A live client that `admit` has let in connects: what it said first, or who it is, took its time, and others may have come
   * meanwhile. Refuses by throwing a {@link WireError}.
   */
  enter?(origin: ClientOrigin, principal: Principal | undefined): void;
  /**
   * May veto what the rules allow, by throwing a {@link WireError}. Anything else that it throws refuses, too, as
   * `PB_HUB_FAILED`. The server itself is not asked about. Who is present is asked for as `subscribe`.
   */
  authorize?(action: Action, channel: string, principal: Principal | undefined): void;
  /** A client has connected. */
  opened?(client: HubClient): void;
  /** It is gone. */
  closed?(client: HubClient): void;
  /** A publication has gone out to the subscribers of this node. @param ms how long that took */
  delivered?(publication: Publication, reach: Reach, ms: number): void;
  /** A request or a command was refused. */
  refused?(error: WireError, origin: ClientOrigin): void;
  /** A limit was hit. */
  limited?(code: WireErrorCode, origin: ClientOrigin): void;
  /** A WebSocket handshake was accepted or refused: for a log that has a line for each. */
  handshake?(event: HandshakeEvent): void;
  /** Something failed whose cause no client is told: the broker, a hook, a fault of this package. Default: a warning of the process. */
  failed?(error: unknown): void;
}

export interface HubOptions extends OriginPolicyOptions {
  /** Default: a `MemoryBroker` of its own. */
  readonly broker?: Broker;
  readonly namespaces?: readonly NamespaceOptions[];
  /** Without it, everybody is nobody in particular, and may do what is open to anyone. */
  readonly authenticator?: Authenticator;
  /** With which session tokens are signed, at least 16 bytes: the same for all nodes. Default: random. */
  readonly sessionKey?: string | Uint8Array;
  readonly limits?: Partial<HubLimits>;
  /**
   * Proxies in front that are believed when they say who a client is: its address, and the host and the scheme that it used.
   * Limits, logs, the rules for pages of other origins and authenticators then go by the client. Default: nobody is believed.
   */
  readonly trustedProxies?: TrustedProxiesOptions;
  /** Who may ask for the steps of the decision on a WebSocket handshake, by `Pulse-Trace`. Default: nobody may. */
  readonly trace?: (request: OpeningRequest) => boolean;
  readonly hooks?: HubHooks;
}

export interface AttachOptions {
  /** Under which path the channels are, as `/live` in `/live/channels/news`. Default `/`. */
  readonly base?: string;
  /**
   * `false`: takes WebSocket handshakes alone, for a server that looks at ordinary requests itself and hands them over by
   * `Hub.handle`. Default true.
   */
  readonly requests?: boolean;
}

export interface PublishCallOptions {
  readonly idempotencyKey?: string | undefined;
  /** Whether the result says how many subscribers of this node it reached. */
  readonly reach?: boolean | undefined;
  /** Who publishes. Without it, the server itself, which may. */
  readonly by?: Session | undefined;
}

/** Where a publication is, and what became of it. */
export interface PublishResult {
  readonly position: string;
  /** It had been published before, with the same idempotency key. */
  readonly duplicate: boolean;
  readonly reach?: Reach;
}

export interface HistoryCallOptions {
  readonly since?: Since | undefined;
  /** Default and most: `maxHistoryLimit`. */
  readonly limit?: number | undefined;
}
