import type { Hop } from './hops.ts';

/** A frame as it is on the wire, in either direction (RFC 6455 §5.2). */
export interface FrameTrace {
  readonly type: 'frame';
  readonly direction: 'in' | 'out';
  readonly fin: boolean;
  /** RSV1: the first frame of a compressed message (RFC 7692 §6). */
  readonly rsv1: boolean;
  /** 0 to 15. */
  readonly opcode: number;
  readonly masked: boolean;
  /** Bytes of the payload. */
  readonly length: number;
  /** The start of the payload, unmasked, at most 128 bytes, in memory of its own. */
  readonly start: Uint8Array;
}

/** What `trace` is told, in the order in which it happens. */
export type TraceEvent =
  /** The opening handshake as it is sent: request line and header, lines ending in CRLF; over HTTP/2 its fields. */
  | { readonly type: 'request'; readonly text: string }
  /** The answer to it as it came: status line and header. */
  | { readonly type: 'answer'; readonly text: string }
  /** That answer is not the end: it is followed, or tried again. Secrets are masked. */
  | { readonly type: 'hop'; readonly hop: Hop }
  | FrameTrace;

export type Trace = (event: TraceEvent) => void;

/** Tells an event. What `trace` throws is its own fault, and never swallowed; but the connection must not suffer from it. */
export function callTrace(trace: Trace, event: TraceEvent): void {
  try {
    trace(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
