import type { SingleBar } from 'cli-progress';
import { escapeLine } from '../connect/escape.ts';
import { retryNotice } from '../remote/notices.ts';
import type { RemoteFailure } from '../remote/remote-failure.ts';

const REFRESH_MS = 100;

/** Shows on a terminal how many lines are published, and how far the input is where its size is known. */
export class LineProgress {
  private readonly bar: SingleBar;
  private readonly size: number | undefined;
  private readonly begun = performance.now();
  private shownAt = 0;

  /** @param size bytes of the input, where that is a file */
  static async start(stream: NodeJS.WritableStream, size: number | undefined): Promise<LineProgress> {
    // Loaded where it is shown: scripts need not wait for it.
    const { SingleBar: Bar, Presets } = (await import('cli-progress')).default;
    const format = size === undefined ? 'publishing {note}' : 'publishing {bar} {note}';
    const options = { stream, clearOnComplete: true, hideCursor: true, format, barsize: 24 };
    return new LineProgress(new Bar(options, Presets.shades_classic), size);
  }

  private constructor(bar: SingleBar, size: number | undefined) {
    this.bar = bar;
    this.size = size;
    bar.start(size ?? 0, 0, { note: '' });
  }

  /** @param bytes of the lines so far */
  show(published: number, bytes: number): void {
    const now = performance.now();
    if (now - this.shownAt < REFRESH_MS) return;
    this.shownAt = now;
    const rate = Math.round((published * 1000) / Math.max(1, now - this.begun));
    const note = `${published.toLocaleString('en-US')} lines, ${rate.toLocaleString('en-US')} a second`;
    this.bar.update(Math.min(bytes, this.size ?? 0), { note });
  }

  /** Below the bar there is no place for a line of its own. */
  retrying(failure: RemoteFailure, delay: number): void {
    this.bar.update({ note: escapeLine(retryNotice(failure, delay)) });
  }

  stop(): void {
    this.bar.stop();
  }
}
