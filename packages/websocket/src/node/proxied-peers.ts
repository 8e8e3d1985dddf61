import type { Socket } from 'node:net';
import type { ProxiedPeer } from '../handshake/proxy-protocol.ts';

/** The addresses at both ends of a connection; undefined on a Unix socket. */
export type NetworkConnection = Pick<Socket, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>;

/** On the socket that was accepted. Addresses would not do: all connections of a Unix socket have the same. */
const PEER = Symbol('pulsebeacon.peer');

interface Accepted {
  [PEER]?: ProxiedPeer;
  /** Of a TLS socket, the one below: Node's own name for it. */
  readonly _parent?: Accepted | null;
}

/** Who made a connection, as the proxy at its other end has said by the PROXY protocol. */
export function proxiedPeerOf(connection: NetworkConnection): ProxiedPeer | undefined {
  const accepted = connection as Accepted;
  return accepted[PEER] ?? accepted._parent?.[PEER];
}

export function rememberPeer(socket: Socket, peer: ProxiedPeer): void {
  (socket as Accepted)[PEER] = peer;
}
