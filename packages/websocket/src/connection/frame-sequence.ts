import { headerLength, writeHeader } from '../protocol/sender.ts';
import type { FlushScheduler } from './flush-scheduler.ts';

/** Between lines that share a message: a line feed. */
export const LINE_END = 0x0a;

/**
 * Frames that many connections send in the same order in one turn: a path in a tree whose edges are frames. Each
 * connection holds the node where it stands; those that stand at the same node share one joined buffer, made once. So
 * eight publications to a thousand subscribers are one buffer and a thousand writes. Lines that follow one another there
 * have one frame.
 */
export class FrameSequence {
  /** Bytes of everything up to here. */
  readonly length: number;
  private readonly parent: FrameSequence | null;
  private readonly frame: Uint8Array;
  private readonly lineAt: number;
  /** Bytes of the lines that have one frame, up to this one, with the ends between them. */
  private readonly lines: number;
  private joined: Uint8Array | null;
  private lastChild: FrameSequence | null = null;

  /** @param lineAt where the payload begins, if it is a line that may share a message with those beside it; else 0 */
  constructor(parent: FrameSequence | null, frame: Uint8Array, lineAt: number) {
    this.parent = parent;
    this.frame = frame;
    this.lineAt = lineAt;
    this.joined = parent === null ? frame : null;
    this.lines = frame.length - lineAt;
    this.length = (parent === null ? 0 : parent.length) + frame.length;
    if (parent === null || !this.isContinued) return;
    this.lines += parent.lines + 1;
    this.length = parent.length - frameLength(parent.lines) + frameLength(this.lines);
  }

  /** Where a connection stands that sends `frame` next. @param lineAt as for the constructor */
  followedBy(frame: Uint8Array, lineAt: number, scheduler: FlushScheduler): FrameSequence {
    const last = this.lastChild;
    if (last !== null && last.frame === frame) return last;
    // The tree is for this turn only: a prepared message that is kept must not keep what once followed it.
    if (last === null && this.parent === null) scheduler.afterFlush(() => this.forget());
    return (this.lastChild = new FrameSequence(this, frame, lineAt));
  }

  /** Everything up to here as one run of bytes; not to be changed. */
  bytes(): Uint8Array {
    return (this.joined ??= this.join());
  }

  private join(): Uint8Array {
    const joined = Buffer.allocUnsafeSlow(this.length);
    let end = this.length;
    /** Of the frame whose lines are being laid out, from the last to the first. */
    let payload = 0;
    for (let node: FrameSequence | null = this; node !== null; node = node.parent) {
      const { frame, lineAt } = node;
      const body = lineAt === 0 ? frame : frame.subarray(lineAt);
      end -= body.length;
      joined.set(body, end);
      if (lineAt === 0) continue;
      payload = Math.max(payload, node.lines);
      if (node.isContinued) {
        joined[--end] = LINE_END;
      } else {
        end -= headerLength(payload);
        writeHeader(joined, end, frame[0]!, payload, 0);
        payload = 0;
      }
    }
    return joined;
  }

  /** It is a line, behind another one. */
  private get isContinued(): boolean {
    return this.lineAt > 0 && this.parent !== null && this.parent.lineAt > 0;
  }

  private forget(): void {
    this.lastChild = null;
  }
}

/** @param payload bytes of it */
const frameLength = (payload: number): number => headerLength(payload) + payload;
