import type { ServerMessage, WireError } from '@pulsebeacon/wire';
import type { EncodedPublication } from '../encoded-publication.ts';
import { byeMessage, messageJson } from '../message-json.ts';
import type { Outlet } from '../outlet.ts';

/** Whoever answers with what was collected. */
export interface Collector {
  /** Something came that is worth an answer. */
  onNews(): void;
  /** Nothing more comes. */
  onEnd(): void;
}

/** Collects messages for one answer. */
export class CollectingOutlet implements Outlet {
  readonly transport = 'poll' as const;
  readonly isOfOneChannel = false;
  /** Nothing waits for the client to read: what there is no room for is left out, and nobody is slow. */
  readonly queuedBytes = 0;
  /** Characters that were collected. */
  size = 0;
  private readonly parts: string[] = [];
  private readonly collector: Collector;
  private readonly highWaterMark: number;
  private isOver = false;

  /** @param highWaterMark above so many characters, publications are left for the next answer */
  constructor(collector: Collector, highWaterMark: number) {
    this.collector = collector;
    this.highWaterMark = highWaterMark;
  }

  publication(encoded: EncodedPublication): boolean {
    // Once there is no room, there is none for anything that follows: the client returns with the last position.
    const hasRoom = this.size <= this.highWaterMark;
    if (hasRoom) this.add(encoded.json);
    this.collector.onNews();
    return hasRoom;
  }

  message(message: ServerMessage): void {
    this.add(messageJson(message));
    if (isNews(message)) this.collector.onNews();
  }

  close(error: WireError, retryAfterMs?: number): void {
    if (this.isOver) return;
    this.add(JSON.stringify(byeMessage(error, retryAfterMs)));
    this.isOver = true;
    this.collector.onEnd();
  }

  /** `{"messages":[…]}` with everything so far. */
  toJson(): string {
    return `{"messages":[${this.parts.join(',')}]}\n`;
  }

  private add(text: string): void {
    // Nothing follows a bye.
    if (this.isOver) return;
    this.parts.push(text);
    this.size += text.length;
  }
}

/** That all is well, and nothing was missed, can wait until there is more to say. */
function isNews(message: ServerMessage): boolean {
  return message.type !== 'welcome' && !(message.type === 'subscribed' && message.recovered);
}
