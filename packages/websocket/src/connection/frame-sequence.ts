import type { FlushScheduler } from './flush-scheduler.ts';

/**
 * Frames that many connections send in the same order in one turn: a path in a tree whose edges are frames. Each
 * connection holds the node where it stands; those that stand at the same node share one joined buffer, made once. So
 * eight publications to a thousand subscribers are one buffer and a thousand writes.
 */
export class FrameSequence {
  /** Bytes of all frames up to here. */
  readonly length: number;
  private readonly parent: FrameSequence | null;
  private readonly frame: Uint8Array;
  private joined: Uint8Array | null;
  private lastChild: FrameSequence | null = null;

  constructor(parent: FrameSequence | null, frame: Uint8Array) {
    this.parent = parent;
    this.frame = frame;
    this.length = (parent === null ? 0 : parent.length) + frame.length;
    this.joined = parent === null ? frame : null;
  }

  /** Where a connection stands that sends `frame` next. */
  followedBy(frame: Uint8Array, scheduler: FlushScheduler): FrameSequence {
    const last = this.lastChild;
    if (last !== null && last.frame === frame) return last;
    // The tree is for this turn only: a prepared message that is kept must not keep what once followed it.
    if (last === null && this.parent === null) scheduler.afterFlush(() => this.forget());
    return (this.lastChild = new FrameSequence(this, frame));
  }

  /** All frames up to here as one run of bytes; not to be changed. */
  bytes(): Uint8Array {
    if (this.joined === null) {
      const joined = Buffer.allocUnsafeSlow(this.length);
      let end = this.length;
      for (let node: FrameSequence | null = this; node !== null; node = node.parent) {
        end -= node.frame.length;
        joined.set(node.frame, end);
      }
      this.joined = joined;
    }
    return this.joined;
  }

  private forget(): void {
    this.lastChild = null;
  }
}
