import type { Channel } from '@pulsebeacon/client';

/**
 * Tells what was missed from what is new, when the connection comes back: everything up to where the channel is by then was
 * missed. The question waits for the connection like a publication does.
 */
export class CatchUp<T, Row> {
  private readonly onCaughtUp: (rows: readonly Row[]) => void;
  private readonly rows: Row[] = [];
  private readonly positions: string[] = [];
  private top: string | undefined;
  private isDone = false;

  /** @param onCaughtUp told of what was missed, if there was anything */
  constructor(channel: Channel<T>, onCaughtUp: (rows: readonly Row[]) => void) {
    this.onCaughtUp = onCaughtUp;
    const ask = async (): Promise<void> => {
      const { position } = await channel.history({ limit: 1 });
      this.top = position;
      this.look();
    };
    // Where nobody may ask, or the page gives up, there is nothing to tell apart.
    ask().catch(() => (this.isDone = true));
  }

  add(position: string, row: Row): void {
    if (this.isDone) return;
    this.positions.push(position);
    this.rows.push(row);
    this.look();
  }

  private look(): void {
    if (this.top === undefined || this.isDone) return;
    const at = this.positions.indexOf(this.top);
    if (at === -1) return;
    this.isDone = true;
    this.onCaughtUp(this.rows.slice(0, at + 1));
  }
}
