import type { ServerConnection } from '@pulsebeacon/websocket';
import { type Command, CommandError, errorMessage, parseCommand, WireError } from '@pulsebeacon/wire';
import type { HubClient } from '../client.ts';
import { type ClientCommand, CommandQueue, type QueueOwner } from './command-queue.ts';

/** So many of the largest commands may be under way before the client is not read from. */
const LARGEST_UNDER_WAY = 4;

/**
 * Reads a WebSocket message as a command.
 * @param channel all that it can be about
 * @throws {WireError} what is wrong with it
 */
export function commandOf(data: string | Uint8Array, channel?: string): Command {
  if (typeof data === 'string') return parseCommand(data, channel);
  throw new WireError('PB_MESSAGE_INVALID', 'a message is text: send JSON, bytes in base64 within it');
}

/** The commands of a client that has a WebSocket. Where too much is under way, it is not read from. */
export class SocketCommands implements QueueOwner {
  private readonly client: HubClient;
  private readonly connection: ServerConnection<unknown>;
  private readonly queue: CommandQueue;
  /** Characters of commands that came since nothing was under way. */
  private load = 0;
  private isPaused = false;

  constructor(client: HubClient, connection: ServerConnection<unknown>) {
    this.client = client;
    this.connection = connection;
    this.queue = new CommandQueue(client, this);
  }

  /** @param length of the message that it came in, in characters */
  add(command: ClientCommand, length: number): void {
    const { client, connection, queue } = this;
    queue.add(command);
    this.load += length;
    if (this.load <= LARGEST_UNDER_WAY * client.hub.limits.maxCommandSize || queue.size === 0) return;
    this.isPaused = true;
    connection.pause();
  }

  /**
   * A message that cannot be carried out is answered, and counts as a message. What is none ends the connection.
   * @param channel all that it could be about
   */
  onFault(error: WireError, channel?: string): void {
    const { client } = this;
    const { hub, origin, outlet } = client;
    let fault = error;
    try {
      client.takeTurn();
    } catch (rate) {
      fault = rate as WireError;
    }
    hub.onRefused(fault, origin);
    outlet.message(errorMessage(fault, error instanceof CommandError ? error.id : undefined, channel));
    if (fault === error && error.entry.closeCode !== undefined) outlet.close(error);
  }

  /** The connection is over: what has not begun does not. */
  clear(): void {
    this.queue.clear();
  }

  room(): Promise<void> | undefined {
    const { client, connection } = this;
    if (connection.queuedBytes <= client.hub.limits.sendHighWaterMark) return undefined;
    // Where it closes meanwhile, nobody hears the reply.
    return connection.drained().catch(() => {});
  }

  idle(): void {
    this.load = 0;
    if (!this.isPaused) return;
    this.isPaused = false;
    this.connection.resume();
  }
}
