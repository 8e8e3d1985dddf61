import type { Socket } from 'node:net';
import type { ProxiedPeer } from '../handshake/proxy-protocol.ts';

/** The addresses at both ends of a connection; undefined on a Unix socket. */
export type NetworkConnection = Pick<Socket, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>;

/** By the addresses of the connection: TLS and HTTP/2 have sockets of their own over the one that was accepted. */
const peers = new Map<string, ProxiedPeer>();

/** On a Unix socket all connections have the same, so that it is the socket itself that knows; HTTP/2 shows it as its own. */
const PEER = Symbol('pulsebeacon.peer');

interface Accepted {
  [PEER]?: ProxiedPeer;
}

/**
 * Who made a connection, as the proxy at its other end has said by the PROXY protocol.
 * @returns undefined where it has not said, and for TLS over a Unix socket, of which nobody can tell
 */
export function proxiedPeerOf(connection: NetworkConnection): ProxiedPeer | undefined {
  return connection.remoteAddress === undefined ? (connection as Accepted)[PEER] : peers.get(keyOf(connection));
}

/** Kept as long as the connection lasts. */
export function rememberPeer(socket: Socket, peer: ProxiedPeer): void {
  if (socket.remoteAddress === undefined) {
    (socket as Accepted)[PEER] = peer;
    return;
  }
  const key = keyOf(socket);
  peers.set(key, peer);
  socket.once('close', () => peers.delete(key));
}

function keyOf({ localAddress, localPort, remoteAddress, remotePort }: NetworkConnection): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
}
