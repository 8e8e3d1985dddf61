import type { ServerHttp2Stream } from 'node:http2';
import { resetStream } from './http2-stream.ts';

/** So many bytes a second are slow enough. */
const SLOWEST = 1024;

/** What of an answer waited when it was looked at. */
interface Waiting {
  bytes: number;
  /** Since when it has not become less. */
  since: number;
}

/**
 * Looks after the answers that clients have to take: a window that stays shut costs them nothing, and us all that waits.
 * One stream does not know how much of a write has gone out, only that all of it has: a large one has its time.
 */
export class AnswerWatch {
  private readonly timeout: number;
  private readonly streams = new Map<ServerHttp2Stream, Waiting>();
  private timer: NodeJS.Timeout | undefined;

  /** @param timeout in milliseconds; 0: no limit */
  constructor(timeout: number) {
    this.timeout = timeout;
  }

  add(stream: ServerHttp2Stream): void {
    const { timeout, streams } = this;
    if (timeout === 0) return;
    streams.set(stream, { bytes: 0, since: 0 });
    this.timer ??= setInterval(() => this.look(), Math.ceil(timeout / 4)).unref();
  }

  delete(stream: ServerHttp2Stream): void {
    if (!this.streams.delete(stream) || this.streams.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private look(): void {
    const now = performance.now();
    for (const [stream, waiting] of this.streams) {
      const bytes = stream.writableLength;
      if (bytes === 0 || bytes < waiting.bytes || waiting.bytes === 0) waiting.since = now;
      waiting.bytes = bytes;
      if (now - waiting.since > this.timeout + (bytes / SLOWEST) * 1000) resetStream(stream);
    }
  }
}
