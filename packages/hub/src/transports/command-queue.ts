import { type Command, errorMessage, type WireError } from '@pulsebeacon/wire';
import type { HubClient } from '../client.ts';

/** What a client asks for, once it has been greeted. */
export type ClientCommand = Exclude<Command, { type: 'hello' }>;

/** Commands of one of these kinds may be under way together: the broker keeps their order, and can take them as one. */
const TOGETHER: ReadonlySet<string> = new Set(['publish', 'subscribe']);
/** Their replies can be large: each waits until there is room for it, and what follows until it was read. */
const LARGE_REPLY: ReadonlySet<string> = new Set(['history', 'presence']);

export interface QueueOwner {
  /**
   * Where a reply would only wait: resolves once there is room, or nobody needs it any more.
   * @throws {WireError} where there will be none: the reply
   */
  room(): Promise<void> | undefined;
  /** Everything was carried out. */
  idle(): void;
}

/**
 * Carries out a client's commands in the order in which they come: what is published after `subscribe` is heard, and what
 * is asked after `publish` is answered with it. Only a run of publications, or of subscriptions, goes to the broker at
 * once.
 */
export class CommandQueue {
  private readonly client: HubClient;
  private readonly owner: QueueOwner;
  private readonly waiting: ClientCommand[] = [];
  private running = 0;
  private kind = '';
  private readonly onDone = (): void => {
    this.running--;
    this.pump();
  };

  constructor(client: HubClient, owner: QueueOwner) {
    this.client = client;
    this.owner = owner;
  }

  /** How many commands are under way, or wait. */
  get size(): number {
    return this.running + this.waiting.length;
  }

  add(command: ClientCommand): void {
    if (this.waiting.length === 0 && this.mayStart(command)) this.start(command);
    else this.waiting.push(command);
  }

  /** Nobody is there any more: what has not begun does not. */
  clear(): void {
    this.waiting.length = 0;
  }

  private mayStart({ type }: ClientCommand): boolean {
    return this.running === 0 || (type === this.kind && TOGETHER.has(type));
  }

  private start(command: ClientCommand): void {
    this.running++;
    this.kind = command.type;
    const done = LARGE_REPLY.has(command.type) ? this.executeWithRoom(command) : this.client.execute(command);
    void done.then(this.onDone);
  }

  private async executeWithRoom(command: ClientCommand): Promise<void> {
    try {
      await this.owner.room();
    } catch (error) {
      const { hub, origin, outlet } = this.client;
      hub.onRefused(error as WireError, origin);
      outlet.message(errorMessage(error as WireError, command.id, command.channel));
      return;
    }
    await this.client.execute(command);
    await this.hasRoomAgain();
  }

  /** A reply that is larger than the client may have to read does not make it a slow one. */
  private async hasRoomAgain(): Promise<void> {
    try {
      await this.owner.room();
    } catch {
      // Then there is none: for whoever needs it, it is said above.
    }
  }

  private pump(): void {
    while (this.waiting.length > 0 && this.mayStart(this.waiting[0]!)) this.start(this.waiting.shift()!);
    if (this.size === 0) this.owner.idle();
  }
}
