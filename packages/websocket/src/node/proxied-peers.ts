import type { Socket } from 'node:net';
import type { ProxiedPeer } from '../handshake/proxy-protocol.ts';

/** The addresses at both ends of a connection; undefined on a Unix socket. */
export type NetworkConnection = Pick<Socket, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>;

/** By the addresses of the connection: TLS and HTTP/2 have sockets of their own over the one that was accepted. */
const peers = new Map<string, ProxiedPeer>();

/** A connection of a Unix socket has no addresses, and is marked itself: what HTTP/2 has shows its socket's properties. */
const PEER = Symbol('proxied peer');

interface Marked {
  [PEER]?: ProxiedPeer;
}

/** Who made a connection, as the proxy at its other end has said by the PROXY protocol. */
export function proxiedPeerOf(connection: NetworkConnection): ProxiedPeer | undefined {
  if (connection.remoteAddress === undefined) return (connection as Marked)[PEER];
  return peers.get(keyOf(connection));
}

/** Kept as long as the connection lasts. */
export function rememberPeer(socket: Socket, peer: ProxiedPeer): void {
  if (socket.remoteAddress === undefined) {
    (socket as Marked)[PEER] = peer;
    return;
  }
  const key = keyOf(socket);
  peers.set(key, peer);
  socket.once('close', () => peers.delete(key));
}

function keyOf({ localAddress, localPort, remoteAddress, remotePort }: NetworkConnection): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
}
