import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Http2Side } from '@pulsebeacon/websocket';
import { Failure } from '../failure.ts';
import type { HttpServer } from '../http/http-server.ts';
import { listenFailure } from './failures.ts';
import { isLoopbackAddress } from './loopback.ts';
import { type ListenTarget, urlHost } from './target.ts';
import { clearUnixSocket } from './unix-socket.ts';

/** A place where the program listens now. */
export interface Listener {
  readonly server: Server;
  /** Undefined where it speaks HTTP/1.1 alone. */
  readonly http2: Http2Side | undefined;
  /** Cuts off those whose PROXY header has not come; undefined where none has to. */
  readonly cutWaiting: (() => void) | undefined;
  readonly tls: boolean;
  /** What it was asked to listen at: a host as given, or undefined on a Unix socket. */
  readonly host: string | undefined;
  /** The address that the system says it listens on; undefined on a Unix socket. */
  readonly address: string | undefined;
  /** Undefined on a Unix socket. */
  readonly port: number | undefined;
  /** Undefined but on a Unix socket. */
  readonly path: string | undefined;
  /** Nobody but this machine reaches it. */
  readonly isLocal: boolean;
}

/** Starts to listen. @throws {Failure} a sentence that names the remedy */
export async function startListening(
  { server, http2, cutWaiting }: HttpServer,
  target: ListenTarget,
  tls: boolean,
): Promise<Listener> {
  const { where } = target;
  try {
    if (where.kind === 'unix') {
      await clearUnixSocket(where.path);
      server.listen({ path: where.path });
      await once(server, 'listening');
      return {
        server,
        http2,
        cutWaiting,
        tls,
        host: undefined,
        address: undefined,
        port: undefined,
        path: where.path,
        isLocal: true,
      };
    }
    server.listen({ host: where.host, port: where.port, exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    throw error instanceof Failure ? error : listenFailure(error, where);
  }
  const { address, port } = server.address() as AddressInfo;
  const isLocal = isLoopbackAddress(address);
  return { server, http2, cutWaiting, tls, host: where.host, address, port, path: undefined, isLocal };
}

const ANY: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** The URL for an address bar on this machine; undefined on a Unix socket. */
export function urlOf(listener: Listener, path = '/', kind: 'http' | 'ws' = 'http'): string | undefined {
  const { address } = listener;
  if (address === undefined) return undefined;
  const isHere = ANY.has(address) || address === '127.0.0.1' || address === '::1';
  return compose(listener, isHere ? 'localhost' : urlHost(address), path, kind);
}

/** The URLs for address bars on other machines. */
export function outsideUrls(listener: Listener): string[] {
  const { address, isLocal } = listener;
  if (address === undefined || isLocal) return [];
  if (!ANY.has(address)) return [compose(listener, urlHost(address), '/', 'http')];
  const own = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return own
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map((entry) => compose(listener, entry.address, '/', 'http'));
}

function compose({ port, tls }: Listener, host: string, path: string, kind: 'http' | 'ws'): string {
  const shownPort = port === (tls ? 443 : 80) ? '' : `:${port}`;
  return `${kind}${tls ? 's' : ''}://${host}${shownPort}${path}`;
}
