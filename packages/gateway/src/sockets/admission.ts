import type { IncomingMessage } from 'node:http';
import { Refusal, type TrustedProxies } from '@pulsebeacon/websocket';
import { TokenBucket } from '@pulsebeacon/hub';
import { hintAtProxy } from '../http/forwarding.ts';
import type { HostPolicy } from '../http/host-policy.ts';
import { PROBLEMS } from '../http/problems.ts';
import { isLoopbackAddress } from '../listen/loopback.ts';
import { ConnectionKinds } from '../metrics/connection-kinds.ts';

export interface AdmissionLimits {
  /** Most open WebSockets, of all paths together. */
  readonly maxConnections: number;
  /** Most open WebSockets from one IP address that is not this machine's. */
  readonly maxConnectionsPerIp: number;
  /** Most handshakes a second. */
  readonly handshakeRate: number;
}

const RETRY_AFTER_SECONDS = 5;

/** Somebody who wants to come in. */
export interface Arrival {
  /** For which host the request is. */
  readonly host: string;
  readonly remoteAddress: string | undefined;
}

/** What is known of a connection that is open. */
export interface OpenConnection {
  readonly remoteAddress: string | undefined;
  readonly httpVersion: string;
  /** Of its request. */
  readonly path: string;
}

/** Who may open a WebSocket, or follow a channel in another way, over all paths together; and how many have. Each path asks here in `authorize`. */
export class Admission {
  /** From now on everybody is refused, because the program ends. */
  draining = false;
  /** How many there are of each kind. */
  readonly kinds: ConnectionKinds = new ConnectionKinds();
  private readonly limits: AdmissionLimits;
  private readonly hosts: HostPolicy;
  private readonly proxies: TrustedProxies | undefined;
  private readonly handshakes: TokenBucket | undefined;
  private readonly byAddress = new Map<string, number>();
  /** Of those who are open: milliseconds since 1970. */
  private readonly openings = new WeakMap<object, number>();
  private readonly byVersion = new Map<string, number>();
  private openNow = 0;
  private openAtMost = 0;

  /** @param proxies who is believed when it says who a client is */
  constructor(limits: AdmissionLimits, hosts: HostPolicy, proxies?: TrustedProxies) {
    this.limits = limits;
    this.hosts = hosts;
    this.proxies = proxies;
    if (limits.handshakeRate !== Infinity) {
      this.handshakes = new TokenBucket(limits.handshakeRate, limits.handshakeRate, performance.now());
    }
  }

  /** How many are open now. */
  get open(): number {
    return this.openNow;
  }

  /** How many have been open at once. */
  get peak(): number {
    return this.openAtMost;
  }

  /** How many are open now, by version of HTTP. */
  get byHttpVersion(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.byVersion);
  }

  /** The refusal that a handshake gets, or undefined where it may pass. */
  decide({ host, remoteAddress }: Arrival, incoming: IncomingMessage): Refusal | undefined {
    return this.findObstacle(host, incoming) ?? this.findCap(remoteAddress, incoming) ?? this.countHandshake();
  }

  /** The refusal of somebody who was let in a while ago, and opens only now: others have come meanwhile. */
  decideAgain({ remoteAddress }: Pick<Arrival, 'remoteAddress'>): Refusal | undefined {
    return this.findCap(remoteAddress);
  }

  /**
   * The refusal of somebody who is none of the connections that are counted, or undefined where it may pass: it publishes
   * by a request of its own, or looks at the server.
   */
  decideUncounted({ host }: Arrival, incoming: IncomingMessage): Refusal | undefined {
    return this.findObstacle(host, incoming);
  }

  /** A handshake has passed, and its connection is open. */
  opened(connection: OpenConnection, transport = 'websocket'): void {
    const { remoteAddress, httpVersion, path } = connection;
    this.kinds.opened({ transport, httpVersion, path });
    this.openings.set(connection, Date.now());
    this.openNow++;
    this.byVersion.set(httpVersion, (this.byVersion.get(httpVersion) ?? 0) + 1);
    if (this.openNow > this.openAtMost) this.openAtMost = this.openNow;
    if (remoteAddress === undefined || !this.isCapped(remoteAddress)) return;
    this.byAddress.set(remoteAddress, (this.byAddress.get(remoteAddress) ?? 0) + 1);
  }

  /** When a connection was opened, in milliseconds since 1970. */
  openedAt(connection: OpenConnection): number {
    return this.openings.get(connection) ?? Date.now();
  }

  /** A connection is over. */
  closed({ remoteAddress, httpVersion, path }: OpenConnection, transport = 'websocket'): void {
    this.kinds.closed({ transport, httpVersion, path });
    this.openNow--;
    this.byVersion.set(httpVersion, this.byVersion.get(httpVersion)! - 1);
    if (remoteAddress === undefined || !this.isCapped(remoteAddress)) return;
    const left = (this.byAddress.get(remoteAddress) ?? 1) - 1;
    if (left === 0) this.byAddress.delete(remoteAddress);
    else this.byAddress.set(remoteAddress, left);
  }

  private findObstacle(host: string, incoming: IncomingMessage): Refusal | undefined {
    if (this.draining) return Refusal.of('PB_HANDSHAKE_DRAINING', { retryAfter: RETRY_AFTER_SECONDS });
    const foreign = this.hosts.judge(host, incoming.socket.localAddress);
    if (foreign === undefined) return undefined;
    return new Refusal(421, { code: 'PB_HOST_UNKNOWN', detail: foreign + hintAtProxy(incoming, this.proxies) });
  }

  private findCap(address: string | undefined, incoming?: IncomingMessage): Refusal | undefined {
    const { maxConnections, maxConnectionsPerIp } = this.limits;
    if (this.openNow >= maxConnections) {
      const detail = `all ${maxConnections} connections are taken (--max-connections)`;
      return Refusal.of('PB_HANDSHAKE_SERVER_FULL', { detail, retryAfter: RETRY_AFTER_SECONDS });
    }
    // A Unix socket has no address, and whoever reaches it is this machine.
    if (address === undefined || (this.byAddress.get(address) ?? 0) < maxConnectionsPerIp) return undefined;
    const hint = incoming === undefined ? '' : hintAtProxy(incoming, this.proxies);
    const detail = `this address has all of its ${maxConnectionsPerIp} connections (--max-connections-per-ip)${hint}`;
    return Refusal.of('PB_HANDSHAKE_ADDRESS_FULL', { detail, retryAfter: RETRY_AFTER_SECONDS });
  }

  private countHandshake(): Refusal | undefined {
    if (this.handshakes === undefined || this.handshakes.take(performance.now())) return undefined;
    const detail = `more than ${this.limits.handshakeRate} handshakes a second (--handshake-rate)`;
    return new Refusal(PROBLEMS.PB_HANDSHAKE_RATE.status, {
      code: 'PB_HANDSHAKE_RATE',
      detail,
      headers: { 'Retry-After': '1' },
    });
  }

  private isCapped(address: string): boolean {
    return this.limits.maxConnectionsPerIp !== Infinity && !isLoopbackAddress(address);
  }
}
