import { isIP, type Server, type Socket } from 'node:net';
import { type ProxyHeader, readProxyHeader } from '../handshake/proxy-protocol.ts';
import { Beginnings, putBack } from './beginnings.ts';
import { rememberPeer } from './proxied-peers.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

/** A connection that was cut off before it had begun, for the log. */
export interface ProxyRefusedEvent {
  readonly remoteAddress: string | undefined;
  readonly reason: string;
}

type WholeHeader = Exclude<ProxyHeader, { kind: 'partial' }>;

/** How long a proxy may take for its header, in milliseconds. */
const HEADER_TIMEOUT_MS = 10_000;

const NO_HEADER = {
  ended: 'it ended before its PROXY header was whole',
  late: 'its PROXY header did not arrive in time',
};

/**
 * Has every connection of a server begin with the PROXY protocol: what the server itself does with connections (HTTP, or
 * TLS) follows once the header was read and taken away. Whoever may not send one, or sends none, is cut off.
 *
 * @param server any server of `node:net`, before it listens
 * @returns cuts off those whose header has not arrived, for when the server closes
 */
export function acceptProxied(
  server: Server,
  proxies: TrustedProxies,
  onRefused?: (event: ProxyRefusedEvent) => void,
): () => void {
  const own = server.listeners('connection') as ((socket: Socket) => void)[];
  const refuse = (socket: Socket, reason: string): void => {
    const { remoteAddress } = socket;
    socket.destroy();
    onRefused?.({ remoteAddress, reason });
  };
  const waiting = new Beginnings<WholeHeader>({
    timeout: HEADER_TIMEOUT_MS,
    read: readHeader,
    onBegun(socket, header, seen) {
      if (header.kind === 'invalid') return refuse(socket, `no PROXY header: ${header.reason}`);
      if (header.peer !== undefined) rememberPeer(socket, header.peer);
      putBack(socket, seen.subarray(header.length));
      for (const listener of own) listener.call(server, socket);
    },
    onNone: (socket, why) => refuse(socket, NO_HEADER[why]),
  });
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (proxies.isTrusted(socket.remoteAddress)) waiting.add(socket);
    else refuse(socket, 'it is no trusted proxy, and this port is for those');
  });
  return () => waiting.destroy();
}

function readHeader(seen: Buffer): WholeHeader | undefined {
  const header = readProxyHeader(seen, seen.length, (text, family) => isIP(text) === family);
  return header.kind === 'partial' ? undefined : header;
}
