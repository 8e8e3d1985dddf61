import type { ServerMessage, WireError } from '@pulsebeacon/wire';
import type { EncodedPublication } from '../encoded-publication.ts';
import type { Outlet } from '../outlet.ts';
import { byeMessage } from './websocket-outlet.ts';

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
  /** What was collected: none of it has been read. */
  queuedBytes = 0;
  private readonly parts: string[] = [];
  private readonly collector: Collector;
  private readonly highWaterMark: number;
  private isOver = false;

  constructor(collector: Collector, highWaterMark: number) {
    this.collector = collector;
    this.highWaterMark = highWaterMark;
  }

  publication(encoded: EncodedPublication): boolean {
    this.add(encoded.json);
    this.collector.onNews();
    return this.queuedBytes <= this.highWaterMark;
  }

  message(message: ServerMessage): void {
    this.add(JSON.stringify(message));
    if (isNews(message)) this.collector.onNews();
  }

  close(error: WireError, retryAfterMs?: number): void {
    if (this.isOver) return;
    this.message(byeMessage(error, retryAfterMs));
    this.isOver = true;
    this.collector.onEnd();
  }

  /** `{"messages":[…]}` with everything so far. */
  toBody(): Buffer {
    return Buffer.from(`{"messages":[${this.parts.join(',')}]}`);
  }

  private add(text: string): void {
    // Nothing follows a bye: whoever comes back with the last position is given it.
    if (this.isOver) return;
    this.parts.push(text);
    // As if each character were a byte: it is a bound, not a bill.
    this.queuedBytes += text.length;
  }
}

/** That all is well, and nothing was missed, can wait until there is more to say. */
function isNews(message: ServerMessage): boolean {
  return message.type !== 'welcome' && !(message.type === 'subscribed' && message.recovered);
}
