import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { PathParameters } from '../handshake/path-template.ts';
import { Refusal } from '../handshake/refusal.ts';
import type { HandshakeTarget, HostServer } from './connect-dispatcher.ts';
import { UpgradeExchange } from './exchange.ts';
import { UpgradeDispatcher } from './upgrade-dispatcher.ts';

/**
 * What becomes of a handshake: whoever gets it has the socket from then on, or says how it is refused.
 * @param head bytes that came behind the handshake
 */
export type UpgradeTaker = (
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  parameters: PathParameters,
) => Refusal | undefined;

/**
 * Hands over the WebSocket handshakes of a path as they came, unread, beside the WebSocket servers of the same HTTP
 * server: for those who pass them on, as a reverse proxy does. Those of HTTP/2, which have no socket of their own, are
 * refused with 404.
 * @param path a path, or a template such as `/rooms/{room}`
 * @returns ends it
 * @throws HandshakeUsageError `PB_PATH_TEMPLATE_CONFLICT` where the path is taken
 */
export function takeUpgrades(server: HostServer, path: string, take: UpgradeTaker): () => void {
  const dispatcher = UpgradeDispatcher.of(server);
  const target: HandshakeTarget = {
    // Otherwise no other path of the server could have WebSockets over HTTP/2.
    takesHttp2: true,
    // They are handed over with the request as Node has it.
    takesHeads: false,
    openHandshake(exchange, parameters): void {
      const refusal =
        exchange instanceof UpgradeExchange
          ? take(exchange.request, exchange.socket, exchange.head, parameters)
          : Refusal.of('PB_HANDSHAKE_NO_SUCH_PATH', { detail: 'WebSockets are opened here over HTTP/1.1 alone' });
      if (refusal !== undefined) exchange.refuse(refusal);
    },
  };
  dispatcher.add(path, target);
  return () => dispatcher.delete(path, target);
}
