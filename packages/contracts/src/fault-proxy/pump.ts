import type { Socket } from 'node:net';
import type { Faults } from './faults.ts';

/** The end of a connection is passed on behind what was sent before it. */
const END = Symbol('end');

interface Item {
  readonly content: Buffer | typeof END;
  readonly due: number;
}

/** Passes on what one side sends to the other, with the faults that hold at the moment. */
export class Pump {
  private readonly from: Socket;
  private readonly to: Socket;
  private readonly faults: () => Faults;
  private readonly onPassed: (bytes: number) => void;
  private readonly isFromServer: boolean;
  private items: Item[] = [];
  private timer: NodeJS.Timeout | undefined;

  /** @param onPassed is told how many bytes were passed on */
  constructor(
    from: Socket,
    to: Socket,
    isFromServer: boolean,
    faults: () => Faults,
    onPassed: (bytes: number) => void,
  ) {
    this.from = from;
    this.to = to;
    this.isFromServer = isFromServer;
    this.faults = faults;
    this.onPassed = onPassed;
    from.on('data', (chunk: Buffer) => this.take(chunk));
    from.on('end', () => this.take(END));
    to.on('drain', () => this.turn());
  }

  /** Other faults hold from now on. */
  turn(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { freeze, trickle } = this.faults();
    if (freeze === true || this.to.writableNeedDrain || this.to.destroyed) {
      this.from.pause();
      return;
    }
    this.from.resume();
    const isTrickling = trickle !== undefined && this.isFromServer;
    for (let item = this.items[0]; item !== undefined; item = this.items[0]) {
      const wait = item.due - performance.now();
      if (wait > 0) return this.later(wait);
      const bytes = isTrickling ? this.pass(item, trickle.bytes) : this.pass(item, Infinity);
      this.onPassed(bytes);
      if (isTrickling && bytes > 0) return this.later(trickle.every);
    }
    return undefined;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.items = [];
  }

  private take(content: Buffer | typeof END): void {
    this.items.push({ content, due: performance.now() + (this.faults().delay ?? 0) });
    if (this.timer === undefined) this.turn();
  }

  /** @returns how many bytes of the first item were passed on */
  private pass({ content, due }: Item, most: number): number {
    this.items.shift();
    if (content === END) {
      this.to.end();
      return 0;
    }
    const part = content.subarray(0, most);
    if (part.length < content.length) this.items.unshift({ content: content.subarray(most), due });
    this.to.write(part);
    return part.length;
  }

  private later(ms: number): void {
    this.timer = setTimeout(() => this.turn(), Math.ceil(ms));
  }
}
