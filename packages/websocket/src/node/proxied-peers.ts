import type { Socket } from 'node:net';
import type { ProxiedPeer } from '../handshake/proxy-protocol.ts';

/** The addresses at both ends of a connection; undefined on a Unix socket. */
export type NetworkConnection = Pick<Socket, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>;

/** By the addresses of the connection: TLS and HTTP/2 have sockets of their own over the one that was accepted. */
const peers = new Map<string, ProxiedPeer>();

/** Who made a connection, as the proxy at its other end has said by the PROXY protocol. */
export function proxiedPeerOf(connection: NetworkConnection): ProxiedPeer | undefined {
  return peers.get(keyOf(connection));
}

/** Kept as long as the connection lasts. */
export function rememberPeer(socket: Socket, peer: ProxiedPeer): void {
  const key = keyOf(socket);
  peers.set(key, peer);
  socket.once('close', () => peers.delete(key));
}

function keyOf({ localAddress, localPort, remoteAddress, remotePort }: NetworkConnection): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
}
