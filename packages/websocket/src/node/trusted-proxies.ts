import { BlockList, isIP } from 'node:net';
import { UsageError } from '../connection/errors.ts';
import { type ForwardedHeader, readForwarded } from '../handshake/forwarded.ts';
import type { HeaderFields } from '../handshake/header-fields.ts';
import { checkOneOf, checkOptionNames } from './connection-limits.ts';
import { type NetworkConnection, proxiedPeerOf } from './proxied-peers.ts';

/** The proxies in front of a server that are believed when they say who a client is. */
export interface TrustedProxiesOptions {
  /**
   * Where they come from: IP addresses, ranges such as `10.0.0.0/8`, `loopback` for this machine, `unix` for whoever
   * comes by a Unix socket.
   */
  readonly peers: readonly string[];
  /**
   * Which header they write; the other one is never read, for it passes through them as the client wrote it. They must
   * set X-Forwarded-Proto and X-Forwarded-Host, or take away what a client sends of them. Default `x-forwarded`.
   */
  readonly header?: ForwardedHeader | 'none';
  /**
   * They begin each connection with the PROXY protocol, version 1 or 2 (HAProxy's `send-proxy-v2`): whoever is not among
   * the peers, or does not, is cut off. Default false.
   */
  readonly proxyProtocol?: boolean;
}

/** Where a request comes from: by what the network says, and what trusted proxies say. */
export interface RequestSource {
  /** The client's address, as far as it is known; of the nearest proxy where that does not say. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /** The scheme that the client used; undefined where no proxy says, and the connection to us tells. */
  readonly scheme: 'http' | 'https' | undefined;
  /** The Host that the client sent; undefined where no proxy says. */
  readonly host: string | undefined;
  /** It came by a trusted proxy, whether that says anything of the client or not. */
  readonly isProxied: boolean;
}

const NAMES: ReadonlySet<string> = new Set(['peers', 'header', 'proxyProtocol']);
const HEADERS = ['x-forwarded', 'forwarded', 'none'] as const;

/** Who is believed, and what they say. */
export class TrustedProxies {
  readonly usesProxyProtocol: boolean;
  private readonly header: ForwardedHeader | 'none';
  private readonly ranges = new BlockList();
  private readonly trustsUnixSockets: boolean;

  /** @throws UsageError `PB_OPTION_INVALID` */
  constructor(options: TrustedProxiesOptions) {
    checkOptionNames(options, NAMES, []);
    const { peers, header = 'x-forwarded', proxyProtocol = false } = options;
    checkOneOf({ header }, 'header', HEADERS);
    if (!Array.isArray(peers)) throw new UsageError('PB_OPTION_INVALID', '`peers` is a list of addresses and ranges');
    this.header = header;
    this.usesProxyProtocol = proxyProtocol === true;
    this.trustsUnixSockets = peers.includes('unix');
    for (const peer of peers) if (peer !== 'unix') this.add(peer);
  }

  /** @param address undefined for whoever comes by a Unix socket */
  isTrusted(address: string | undefined): boolean {
    if (address === undefined) return this.trustsUnixSockets;
    const family = isIP(address);
    return family !== 0 && this.ranges.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }

  /**
   * Where a request comes from.
   * @param connection by which it came
   */
  sourceOf(connection: NetworkConnection, fields: HeaderFields): RequestSource {
    const peer = this.usesProxyProtocol ? proxiedPeerOf(connection) : undefined;
    const near: RequestSource = {
      remoteAddress: peer?.address ?? connection.remoteAddress,
      remotePort: peer?.port ?? connection.remotePort,
      scheme: undefined,
      host: undefined,
      isProxied: this.isTrusted(connection.remoteAddress),
    };
    // Behind the PROXY protocol it is the one it names that has written the header; where it names nobody, nobody knows who.
    if (this.usesProxyProtocol && peer === undefined) return near;
    if (this.header === 'none' || !this.isTrusted(near.remoteAddress)) return near;
    const told = readForwarded(fields, {
      header: this.header,
      isTrusted: (address) => this.isTrusted(address),
      isAddress: (text) => isIP(text) !== 0,
    });
    if (told === undefined) return near;
    const { address, port, proto, host } = told;
    const scheme = proto as 'http' | 'https' | undefined;
    return address === undefined
      ? { ...near, scheme, host }
      : { ...near, remoteAddress: address, remotePort: port, scheme, host };
  }

  private add(peer: string): void {
    if (peer === 'loopback') {
      this.ranges.addSubnet('127.0.0.0', 8, 'ipv4');
      this.ranges.addAddress('::1', 'ipv6');
      return;
    }
    const [address = '', prefix, ...rest] = String(peer).split('/');
    const family = isIP(address);
    const bits = prefix === undefined || /^\d{1,3}$/.test(prefix) ? Number(prefix ?? (family === 4 ? 32 : 128)) : NaN;
    if (family === 0 || rest.length > 0 || !(bits <= (family === 4 ? 32 : 128))) {
      throw new UsageError(
        'PB_OPTION_INVALID',
        `${JSON.stringify(peer)} is no proxy to trust: give an IP address, a range such as 10.0.0.0/8, loopback, or unix`,
      );
    }
    this.ranges.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
  }
}
