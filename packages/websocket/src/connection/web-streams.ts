import { checkCloseArguments } from './arguments.ts';
import type { MessageData, SendData, SendResult } from './connection.ts';
import type { WebSocketError } from './errors.ts';
import { isEndOfConnection } from './handler-calls.ts';
import { readableOver } from './pulled-readable.ts';
import type { Puller } from './puller.ts';
import { signalOf } from './sink-signal.ts';

/** The connection below. */
export interface WebStreamsOwner {
  send(data: SendData): SendResult;
  drained(signal: AbortSignal): Promise<void>;
  /** A stream was closed, or cancelled or aborted for this reason: closes the connection. */
  closeFor(reason: unknown): void;
  /** Why the connection failed. */
  readonly failure: WebSocketError | undefined;
  /** What a stream is told at the end of the connection, which failed or, without `failure`, was closed. */
  streamError(failure: WebSocketError | undefined): unknown;
}

/** Whole messages as a pair of WHATWG streams, each made when it is asked for. */
export class WebStreams {
  private readonly owner: WebStreamsOwner;
  readable: ReadableStream<MessageData> | undefined;
  private sink: MessageSink | undefined;

  constructor(owner: WebStreamsOwner) {
    this.owner = owner;
  }

  read(messages: Puller<MessageData>): ReadableStream<MessageData> {
    const { owner } = this;
    this.readable = readableOver(
      messages,
      (reason) => owner.closeFor(reason),
      (failure) => owner.streamError(failure as WebSocketError),
    );
    return this.readable;
  }

  get writable(): WritableStream<SendData> {
    this.sink ??= new MessageSink(this.owner);
    return this.sink.writable;
  }

  /** The connection is over. */
  onClosed(): void {
    this.sink?.onClosed();
  }
}

class MessageSink {
  readonly writable: WritableStream<SendData>;
  private readonly owner: WebStreamsOwner;
  private controller!: WritableStreamDefaultController;
  private closing: { resolve: () => void; reject: (error: unknown) => void } | undefined;

  constructor(owner: WebStreamsOwner) {
    this.owner = owner;
    this.writable = new WritableStream<SendData>(this);
  }

  start(controller: WritableStreamDefaultController): void {
    this.controller = controller;
  }

  async write(data: SendData): Promise<void> {
    const { owner, controller } = this;
    try {
      for (;;) {
        const result = owner.send(data);
        if (result === 'closed') throw owner.streamError(undefined);
        if (result !== 'sent') await owner.drained(signalOf(controller));
        // What was dropped is sent again: a stream has all of its chunks, or none after the first that is missing.
        if (result !== 'dropped') return;
      }
    } catch (error) {
      throw owner.failure !== undefined || isEndOfConnection(error) ? owner.streamError(owner.failure) : error;
    }
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.closing = { resolve, reject };
      this.owner.closeFor(undefined);
    });
  }

  abort(reason: unknown): void {
    this.owner.closeFor(reason);
  }

  onClosed(): void {
    const { failure } = this.owner;
    if (this.closing === undefined) this.controller.error(this.owner.streamError(failure));
    else if (failure === undefined) this.closing.resolve();
    else this.closing.reject(this.owner.streamError(failure));
  }
}

/** The code and reason of `{ closeCode, reason }`, where that is one that may be sent; else none. */
export function closeInfoOf(cause: unknown): [code?: number, reason?: string] {
  const { closeCode, reason = '' } = (cause ?? {}) as { closeCode?: number; reason?: string };
  return closeCode === undefined || !canClose(closeCode, reason) ? [] : [closeCode, reason];
}

function canClose(code: unknown, reason: unknown): boolean {
  try {
    checkCloseArguments(code, reason);
    return true;
  } catch {
    return false;
  }
}
