import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { PathParameters } from '../handshake/path-template.ts';
import type { Refusal } from '../handshake/refusal.ts';
import { refuse } from './opening.ts';
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
 * server: for those who pass them on, as a reverse proxy does.
 * @param path a path, or a template such as `/rooms/{room}`
 * @returns ends it
 * @throws HandshakeUsageError `PB_PATH_TEMPLATE_CONFLICT` where the path is taken
 */
export function takeUpgrades(server: Server, path: string, take: UpgradeTaker): () => void {
  const dispatcher = UpgradeDispatcher.of(server);
  const target = {
    openUpgrade(request: IncomingMessage, socket: Socket, head: Buffer, parameters: PathParameters): void {
      const refusal = take(request, socket, head, parameters);
      if (refusal !== undefined) refuse(socket, refusal, request.method);
    },
  };
  dispatcher.add(path, target);
  return () => dispatcher.delete(path, target);
}
