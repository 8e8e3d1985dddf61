import { isIP, type Server, type Socket } from 'node:net';
import { type ProxyHeader, readProxyHeader } from '../handshake/proxy-protocol.ts';
import { type Beginning, readBeginning } from './beginning.ts';
import { rememberPeer } from './proxied-peers.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

/** A connection that was cut off before it had begun, for the log. */
export interface ProxyRefusedEvent {
  readonly remoteAddress: string | undefined;
  readonly reason: string;
}

/** How long a proxy may take for its header, in milliseconds. */
const HEADER_TIMEOUT_MS = 10_000;

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
  const waiting = new Set<Socket>();
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const { remoteAddress } = socket;
    const refuse = (reason: string): void => {
      socket.destroy();
      onRefused?.({ remoteAddress, reason });
    };
    if (!proxies.isTrusted(remoteAddress)) return refuse('it is no trusted proxy, and this port is for those');
    waiting.add(socket);
    readHeader(socket, (fault) => {
      waiting.delete(socket);
      if (fault !== undefined) return refuse(fault);
      for (const listener of own) listener.call(server, socket);
      // It was read from, and waits since; unless somebody reads on in the same way, as to tell HTTP/2 from HTTP/1.1.
      if (socket.listenerCount('readable') === 0) socket.resume();
    });
  });
  return () => {
    for (const socket of waiting) socket.destroy();
  };
}

/** Takes the header off a socket and remembers what it says; `done` is told what is wrong, if something is. */
function readHeader(socket: Socket, done: (fault: string | undefined) => void): void {
  const read = (seen: Buffer): Beginning<Exclude<ProxyHeader, { kind: 'partial' }>> | undefined => {
    const header = readProxyHeader(seen, seen.length, (text, family) => isIP(text) === family);
    if (header.kind === 'partial') return undefined;
    return { says: header, length: header.kind === 'whole' ? header.length : 0 };
  };
  readBeginning(socket, HEADER_TIMEOUT_MS, read, (header) => {
    if (header === 'ended') return done('it ended before its PROXY header was whole');
    if (header === 'late') return done('its PROXY header did not arrive in time');
    if (header.kind === 'invalid') return done(`no PROXY header: ${header.reason}`);
    if (header.peer !== undefined) rememberPeer(socket, header.peer);
    return done(undefined);
  });
}
