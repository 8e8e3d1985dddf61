import type { ServerMessage } from '@pulsebeacon/wire';
import { type Ending, endingOfBye } from '../connection/ending.ts';
import { readLines } from './read-message.ts';
import type { LinkOwner } from './transport.ts';

/** Hands on what a link receives, and its end: once. */
export class Receiver {
  private readonly owner: LinkOwner;
  private readonly dispose: () => void;
  isOver = false;

  /** @param dispose lets go of what the link stands on */
  constructor(owner: LinkOwner, dispose: () => void) {
    this.owner = owner;
    this.dispose = dispose;
  }

  /** Messages as text, a line each; what is none ends the link: everything behind it would be guessed at. */
  text(text: string): void {
    if (this.isOver) return;
    this.owner.onSign();
    let messages: readonly ServerMessage[];
    try {
      messages = readLines(text);
    } catch (error) {
      return this.end({ kind: 'cut', reason: (error as Error).message });
    }
    for (const message of messages) this.message(message);
  }

  message(message: ServerMessage): void {
    if (this.isOver) return;
    if (message.type === 'bye') this.end(endingOfBye(message));
    else this.owner.onMessage(message);
  }

  end(ending: Ending): void {
    if (this.isOver) return;
    this.close();
    this.owner.onEnd(ending);
  }

  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.dispose();
  }
}
