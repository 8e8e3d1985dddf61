import { copyBytes } from '../protocol/bytes.ts';
import { type MessageOpcode, OPCODE_CLOSE } from '../protocol/opcodes.ts';
import type { DeflateParameters } from '../protocol/permessage-deflate.ts';
import type { Deflater, DeflateSink } from '../protocol/platform.ts';
import { encodeMessage, FIN, RSV1 } from '../protocol/sender.ts';
import type { ConnectionFailureCode } from './errors.ts';
import { processMemory } from './process-memory.ts';
import type { Outbox } from './outbox.ts';
import type { PreparedMessage, VariantWaiter } from './prepared-message.ts';
import type { SendStream, SendStreamOwner } from './send-stream.ts';
import type { ConnectionShared } from './shared.ts';

/** Whose pipeline it is. */
export interface PipelineOwner {
  readonly shared: ConnectionShared<never>;
  readonly deflateParameters: DeflateParameters | null;
  /** Where frames go. */
  acquireOutbox(): Outbox;
  /** The close frame has gone to the outbox. */
  onCloseWritten(): void;
  /** What waited for a compression, or for a message in parts, has gone to the outbox, or some of it. */
  onPipelineProgress(): void;
  /** Writes this turn's output. @returns whether all of it was taken; otherwise {@link SendPipeline.onWritten} follows */
  writeOutput(): boolean;
  /** Sent: to be counted. */
  countOutput(messages: number, bytes: number): void;
  fail(code: ConnectionFailureCode, options: { cause: unknown }): unknown;
}

type Item =
  | { readonly type: 'message'; opcode: MessageOpcode; bytes: Uint8Array; compress: boolean; fragmentSize: number }
  | { readonly type: 'prepared'; message: PreparedMessage }
  | { readonly type: 'stream'; stream: SendStream }
  | { readonly type: 'close'; body: Uint8Array };

/**
 * What a connection sends where that is more than one frame as it is: compression, fragmentation, and messages that are
 * made in parts. One ordered queue: while an item is being compressed off the event loop, or is not complete,
 * everything later waits behind it, a close too.
 */
export class SendPipeline implements DeflateSink, VariantWaiter, SendStreamOwner {
  private readonly owner: PipelineOwner;
  private deflater: Deflater | null = null;
  /** Null unless something is being compressed or made in parts; the first item is that something. */
  private queue: Item[] | null = null;
  private opcode: MessageOpcode = 1;
  private fragmentSize = Infinity;
  private source: Uint8Array = EMPTY;
  private draining = false;
  /** Bytes, before compression, of what waits here. */
  waitingBytes = 0;

  constructor(owner: PipelineOwner) {
    this.owner = owner;
  }

  get isBusy(): boolean {
    return this.queue !== null;
  }

  /** A message in parts is on its way: what waits does not wait for the peer. */
  get isStreaming(): boolean {
    return this.queue !== null && this.queue[0]!.type === 'stream';
  }

  /** Something waits that can be written without anybody's doing. */
  get isWaiting(): boolean {
    return this.queue !== null && (this.queue.length > 1 || !this.isStreaming);
  }

  /** Sends a message; `bytes` are copied where they have to wait. */
  send(opcode: MessageOpcode, bytes: Uint8Array, compress: boolean, fragmentSize: number): void {
    if (this.queue !== null) {
      const owned = copyBytes(bytes, 0, bytes.length);
      this.enqueue({ type: 'message', opcode, bytes: owned, compress, fragmentSize }, owned.length);
    } else if (!this.write(opcode, bytes, compress, fragmentSize)) {
      this.queue = [];
      this.enqueue({ type: 'message', opcode, bytes: EMPTY, compress, fragmentSize }, 0);
    }
  }

  sendPrepared(message: PreparedMessage): void {
    if (this.queue === null && this.writePrepared(message)) return;
    this.queue ??= [];
    this.enqueue({ type: 'prepared', message }, message.payloadLength);
  }

  /** Sends the close frame, after everything that waits. Only where {@link isBusy}. */
  sendClose(body: Uint8Array): void {
    this.queue!.push({ type: 'close', body });
  }

  /** Sends a message in parts, after everything that waits. */
  sendStream(stream: SendStream): void {
    if (this.queue === null) {
      this.queue = [];
      stream.onTurn();
    }
    this.queue.push({ type: 'stream', stream });
  }

  addFragment(first: number, bytes: Uint8Array, start: number, end: number): void {
    this.owner.acquireOutbox().addFrame(first, bytes, start, end);
    this.owner.countOutput(0, end - start);
  }

  writeFragments(): boolean {
    return this.owner.writeOutput();
  }

  afterTurn(callback: () => void): void {
    this.owner.shared.scheduler.afterFlush(callback);
  }

  endStream(): void {
    this.owner.countOutput(1, 0);
    this.finishItem();
  }

  giveUpStream(stream: SendStream, cause: unknown): void {
    if (stream.hasBegun) this.owner.fail('PB_SEND_ABORTED', { cause });
    else this.remove((item) => item.type === 'stream' && item.stream === stream);
  }

  /** Everything that was written was taken. */
  onWritten(): void {
    const head = this.queue?.[0];
    if (head?.type === 'stream') head.stream.onWritten();
  }

  /** The connection ends, and nobody goes on with a message in parts: what else waits is sent, as far as it can be. */
  cutStreams(error: unknown): void {
    const { queue } = this;
    const head = queue?.[0];
    // Behind the beginning of a message only control frames may follow (RFC 6455 §5.4).
    const isBroken = head?.type === 'stream' && head.stream.hasBegun;
    for (const item of queue ?? []) if (item.type === 'stream') item.stream.cut(error);
    this.remove((item) => item.type === 'stream' || (isBroken && item.type !== 'close'));
  }

  /** Forgets what waits, but for what is being compressed or made in parts. */
  discard(): void {
    this.remove((item) => item.type !== 'stream' && item !== this.queue![0]);
  }

  /** Takes items out of the queue, and goes on with the next one where the first was among them. */
  private remove(isUnwanted: (item: Item) => boolean): void {
    const { queue } = this;
    if (queue === null) return;
    const [head] = queue;
    for (const item of queue) if (isUnwanted(item)) this.account(-sizeOf(item));
    const kept = queue.filter((item) => !isUnwanted(item));
    queue.splice(0, queue.length, ...kept);
    if (queue[0] !== head) this.goOn(queue);
  }

  onDeflated(bytes: Uint8Array, start: number, end: number): void {
    const payload = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
    this.writeFrames(this.opcode, true, payload, this.fragmentSize);
    this.finishItem();
  }

  /** An uncompressed message is always allowed (RFC 7692 §6); the context starts afresh. */
  onDeflateFailed(): void {
    this.deflater?.reset();
    this.writeFrames(this.opcode, false, this.source, this.fragmentSize);
    this.finishItem();
  }

  onVariantReady(): void {
    const head = this.queue?.[0];
    if (head?.type !== 'prepared') return;
    this.writePrepared(head.message);
    this.finishItem();
  }

  release(error: unknown): void {
    for (const item of this.queue ?? []) if (item.type === 'stream') item.stream.cut(error);
    this.deflater?.close();
    // Not the one for prepared messages: it keeps nothing, and other connections may wait for what it compresses.
    this.queue = null;
    this.account(-this.waitingBytes);
  }

  private account(bytes: number): void {
    this.waitingBytes += bytes;
    processMemory.buffered += bytes;
  }

  private enqueue(item: Item, bytes: number): void {
    this.queue!.push(item);
    this.account(bytes);
  }

  /** @returns false while the message is being compressed */
  private write(opcode: MessageOpcode, bytes: Uint8Array, compress: boolean, fragmentSize: number): boolean {
    const { shared, deflateParameters } = this.owner;
    if (!compress || deflateParameters === null || shared.deflate === null) {
      this.writeFrames(opcode, false, bytes, fragmentSize);
      return true;
    }
    this.opcode = opcode;
    this.fragmentSize = fragmentSize;
    this.source = bytes;
    this.deflater ??= shared.deflate.createDeflater(deflateParameters, shared.role);
    const done = this.deflater.deflate(bytes, 0, bytes.length, this);
    if (done) this.source = EMPTY;
    // Kept for a failure; the caller may change its own bytes meanwhile.
    else this.source = copyBytes(bytes, 0, bytes.length);
    return done;
  }

  private writeFrames(opcode: MessageOpcode, compressed: boolean, payload: Uint8Array, fragmentSize: number): void {
    if (payload.length <= fragmentSize) {
      this.owner.acquireOutbox().addFrame(FIN | (compressed ? RSV1 : 0) | opcode, payload, 0, payload.length);
    } else {
      this.owner
        .acquireOutbox()
        .addEncoded(encodeMessage(opcode, compressed, payload, this.owner.shared.masks, fragmentSize));
    }
  }

  /** @returns false while the variant is being compressed */
  private writePrepared(message: PreparedMessage): boolean {
    const { shared, deflateParameters: parameters } = this.owner;
    const { deflate: provider } = shared;
    const compress = message.compress ?? message.payloadLength >= (provider?.threshold ?? Infinity);
    if (shared.role === 'client') return this.write(message.opcode, message.payload, compress, Infinity);
    if (parameters === null || provider === null || !compress) {
      this.owner.acquireOutbox().addShared(message.plainVariant());
      return true;
    }
    const variant = message.deflatedVariant(parameters, provider, this);
    if (variant === null) return false;
    this.owner.acquireOutbox().addShared(variant);
    // The peer's window moved by bytes that our own context did not produce.
    this.deflater?.reset();
    return true;
  }

  private writeClose(body: Uint8Array): void {
    this.owner.acquireOutbox().addFrame(FIN | OPCODE_CLOSE, body, 0, body.length);
    this.owner.onCloseWritten();
  }

  /** The item at the head has been written: on with the next ones, until one has to wait again. */
  private finishItem(): void {
    const { queue } = this;
    // A synchronous result: the caller goes on by itself.
    if (queue === null || this.draining) return;
    this.source = EMPTY;
    this.dequeue(queue);
    this.goOn(queue);
  }

  private goOn(queue: Item[]): void {
    this.draining = true;
    while (queue.length > 0 && this.writeItem(queue[0]!)) this.dequeue(queue);
    this.draining = false;
    if (this.queue !== queue) return;
    if (queue.length === 0) this.queue = null;
    this.owner.onPipelineProgress();
  }

  private dequeue(queue: Item[]): void {
    this.account(-sizeOf(queue.shift()!));
  }

  private writeItem(item: Item): boolean {
    switch (item.type) {
      case 'message':
        return this.write(item.opcode, item.bytes, item.compress, item.fragmentSize);
      case 'prepared':
        return this.writePrepared(item.message);
      case 'stream':
        item.stream.onTurn();
        return false;
      case 'close':
        this.writeClose(item.body);
        return true;
    }
  }
}

const EMPTY = new Uint8Array(0);

/** Bytes that an item counts for while it waits. */
function sizeOf(item: Item): number {
  return item.type === 'message' ? item.bytes.length : item.type === 'prepared' ? item.message.payloadLength : 0;
}
