import type { Socket } from 'node:net';
import type { ProxiedPeer } from '../handshake/proxy-protocol.ts';

/** By the addresses of the connection: TLS and HTTP/2 have sockets of their own over the one that was accepted. */
const peers = new Map<string, ProxiedPeer>();

/** Who made a connection, as the proxy at its other end has said by the PROXY protocol. */
export function proxiedPeerOf(socket: Socket): ProxiedPeer | undefined {
  return peers.get(keyOf(socket));
}

/** Kept as long as the connection lasts. */
export function rememberPeer(socket: Socket, peer: ProxiedPeer): void {
  const key = keyOf(socket);
  peers.set(key, peer);
  socket.once('close', () => peers.delete(key));
}

function keyOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
}
