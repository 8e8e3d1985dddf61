import assert from 'node:assert/strict';
import {
  type ByteStream,
  type ByteStreamHandler,
  CONSUMED,
  FULL,
  HELD,
  type WriteResult,
} from '#dist/connection/byte-stream.js';

const HIGH_WATER_MARK = 65536;

/**
 * A byte stream in memory whose peer does what the test says, with the contract of byte-stream.ts held against the
 * connection: bytes it is handed are overwritten as soon as they may be, bytes that it lends are checked.
 */
export class FakeStream implements ByteStream {
  /** Every write, copied. */
  readonly writes: Buffer[] = [];
  /** How large the memory was in which each of them lay. */
  readonly sizes: number[] = [];
  /** The peer does not read. */
  isStuck = false;
  isPaused = false;
  isEnded = false;
  isDestroyed = false;
  cause: Error | undefined;
  queuedBytes = 0;
  private handler!: ByteStreamHandler;
  private readonly held: { readonly lent: Uint8Array; readonly copy: Buffer }[] = [];

  attach(handler: ByteStreamHandler): void {
    this.handler = handler;
  }

  write(bytes: Uint8Array, start: number, end: number): WriteResult {
    assert.ok(start >= 0 && start <= end && end <= bytes.length);
    if (this.isEnded || this.isDestroyed) return CONSUMED;
    const lent = bytes.subarray(start, end);
    const copy = Buffer.from(lent);
    this.writes.push(copy);
    this.sizes.push(bytes.length);
    if (!this.isStuck) return CONSUMED;
    this.held.push({ lent, copy });
    this.queuedBytes += copy.length;
    return this.queuedBytes > HIGH_WATER_MARK ? FULL : HELD;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(cause?: Error): void {
    this.isDestroyed = true;
    this.cause ??= cause;
  }

  /** Everything written so far. */
  get written(): Buffer {
    return Buffer.concat(this.writes);
  }

  /** The peer reads what is held. @param goOn whether it also reads what comes next */
  drain(goOn = true): void {
    for (const { lent, copy } of this.held.splice(0)) assert.ok(copy.equals(lent), 'a held buffer was changed');
    this.isStuck = !goOn;
    this.queuedBytes = 0;
    this.handler.onDrain();
  }

  /** The peer sends. */
  receive(...chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      assert.ok(!this.isPaused, 'nothing comes while reading is paused');
      const lent = Buffer.concat([Buffer.alloc(3, 0xee), chunk, Buffer.alloc(5, 0xee)]);
      this.handler.onBytes(lent, 3, 3 + chunk.length);
      assert.ok(lent.subarray(0, 3).every((byte) => byte === 0xee) && lent.subarray(-5).every((byte) => byte === 0xee));
      lent.fill(0xdd);
    }
  }

  /** The peer says that nothing more will come. */
  receiveEnd(): void {
    assert.ok(!this.isPaused, 'nothing comes while reading is paused');
    this.handler.onEnd();
  }

  /** The connection is gone. */
  close(cause: Error | undefined = this.cause): void {
    this.isDestroyed = true;
    this.handler.onClose(cause);
  }
}
