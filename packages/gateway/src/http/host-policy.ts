import { isIP } from 'node:net';
import { isLoopbackHost, plainAddress } from '../listen/loopback.ts';
import { hostName } from './host-name.ts';

/**
 * For which names this server answers. A page of a stranger whose name was made to point at this machine (DNS
 * rebinding) is of the same origin as what it fetches from here: its name in Host is all that gives it away.
 */
export class HostPolicy {
  private readonly names: ReadonlySet<string>;

  /**
   * @param publicUrls where browsers reach this server from outside
   * @param listenHosts the hosts that it was asked to listen on
   */
  constructor(publicUrls: readonly string[], listenHosts: readonly string[]) {
    // `new URL` knows no authority for schemes that it does not know; these are http(s) and ws(s).
    const names = publicUrls.map((url) => hostName(new URL(url).host) ?? '');
    this.names = new Set([...names, ...listenHosts.map((name) => name.toLowerCase())]);
  }

  /**
   * @param host the value of Host, or the authority of the request target
   * @param localAddress the address of this machine by which the request came
   * @returns why the request is refused, with the option that would let it in; undefined where it may pass
   */
  judge(host: string, localAddress: string | undefined): string | undefined {
    const name = hostName(host);
    if (name === undefined) return `${quote(host)} is not a host and at most a port`;
    // No name can be made to look like an address: an address that reached us is ours.
    const isOwnAddress = isIP(name) !== 0 && localAddress !== undefined && name === plainAddress(localAddress);
    if (isLoopbackHost(name) || isOwnAddress || this.names.has(name)) return undefined;
    return `this server does not answer for ${quote(host)}; --public-url http://${cut(host)} (or https://) would let it`;
  }
}

function cut(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

function quote(text: string): string {
  return JSON.stringify(cut(text));
}
