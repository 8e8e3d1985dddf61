import { isIPv4 } from 'node:net';

/** An IPv4 address that came over an IPv6 socket (`::ffff:127.0.0.1`), as IPv4; everything else as it is. */
export function plainAddress(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice('::ffff:'.length) : address;
}

/** Whether an IP address is of this very machine: 127.0.0.0/8 or ::1. */
export function isLoopbackAddress(address: string): boolean {
  const plain = plainAddress(address);
  return (isIPv4(plain) && plain.startsWith('127.')) || plain === '::1';
}

/** Whether a name or address stands for this very machine: `localhost` and all below it (RFC 6761 §6.3), too. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isLoopbackAddress(host);
}
