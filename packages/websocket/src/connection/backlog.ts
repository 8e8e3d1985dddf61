import { MAX_BATCH } from './batch-pool.ts';
import { type ByteStream, FULL } from './byte-stream.ts';
import { processMemory } from './process-memory.ts';

/**
 * What a stream does not take: whole frames in order, handed over in slices so that progress can be seen. Exists only
 * while there is something to wait for.
 */
export class Backlog {
  private readonly stream: ByteStream;
  private queue: Uint8Array[] = [];
  /** How much of the first entry the stream has. */
  private headOffset = 0;
  private isBlocked: boolean;
  /** Bytes that the stream has not been given. */
  waiting = 0;
  /** The latest ping that was not answered because output is blocked (RFC 6455 §5.5.3 allows only that one). */
  pendingPong: Uint8Array | null = null;

  /** @param isBlocked the stream is full already */
  constructor(stream: ByteStream, isBlocked: boolean) {
    this.stream = stream;
    this.isBlocked = isBlocked;
  }

  /** Nothing waits, and the stream takes more. */
  get isDone(): boolean {
    return this.queue.length === 0 && !this.isBlocked;
  }

  /** Adds frames, whose memory is not used by anybody else any more. */
  add(frames: Uint8Array): void {
    this.queue.push(frames);
    this.account(frames.length);
    this.pump();
  }

  /** The stream has written what it held: gives it more. @param urgent a frame that goes first, if there is one */
  onDrained(urgent: Uint8Array | null): void {
    this.isBlocked = false;
    if (urgent !== null) {
      // Behind a frame that is half written.
      this.queue.splice(this.headOffset === 0 ? 0 : 1, 0, urgent);
      this.account(urgent.length);
    }
    this.pump();
  }

  /** Forgets what waits, up to the frames that are half written. */
  discard(): void {
    this.pendingPong = null;
    const head = this.headOffset === 0 ? undefined : this.queue[0];
    const kept = head === undefined ? 0 : head.length - this.headOffset;
    this.account(kept - this.waiting);
    this.queue = head === undefined ? [] : [head];
  }

  /** Forgets everything. */
  release(): void {
    this.account(-this.waiting);
    this.queue = [];
  }

  private account(bytes: number): void {
    this.waiting += bytes;
    processMemory.buffered += bytes;
  }

  private pump(): void {
    const { queue, stream } = this;
    let done = 0;
    while (done < queue.length && !this.isBlocked) {
      const head = queue[done]!;
      const end = Math.min(head.length, this.headOffset + MAX_BATCH);
      this.isBlocked = stream.write(head, this.headOffset, end) === FULL;
      this.account(this.headOffset - end);
      this.headOffset = end;
      if (end === head.length) {
        done++;
        this.headOffset = 0;
      }
    }
    if (done > 0) queue.splice(0, done);
  }
}
