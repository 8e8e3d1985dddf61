import { copyBytes } from '../../protocol/bytes.ts';
import { bytesOfBlob, type Sendable } from './web-idl.ts';

export interface SendQueueOwner {
  /** A message is at the head, with its bytes. @param size what it counted for while it waited */
  onReadyToSend(data: string | Uint8Array, size: number): void;
  /** Everything that was sent before `close` has gone out. */
  onReadyToClose(code: number | undefined, reason: string): void;
  /** Nothing waits any more. */
  onQueueEmpty(): void;
  /** A Blob cannot be read: what it stands for is gone. */
  onBlobFailed(): void;
}

type Item =
  | { readonly type: 'message'; readonly data: Sendable; readonly size: number }
  | { readonly type: 'close'; readonly code: number | undefined; readonly reason: string };

/**
 * What is sent after a Blob waits until the Blob has been read, so that messages leave in the order in which they were
 * sent, and the closing handshake begins after them. Exists only while a Blob is being read.
 */
export class SendQueue {
  private readonly owner: SendQueueOwner;
  private readonly items: Item[] = [];
  private isDiscarded = false;

  constructor(owner: SendQueueOwner) {
    this.owner = owner;
  }

  /** @param size in bytes; the bytes themselves may be changed by whoever sent them, so they are copied */
  addMessage(data: Sendable, size: number): void {
    const kept = data instanceof Uint8Array ? copyBytes(data, 0, data.length) : data;
    this.items.push({ type: 'message', data: kept, size });
    if (this.items.length === 1) this.sendNext();
  }

  addClose(code: number | undefined, reason: string): void {
    this.items.push({ type: 'close', code, reason });
  }

  /** The connection is over. */
  discard(): void {
    this.isDiscarded = true;
    this.items.length = 0;
  }

  private sendNext(): void {
    const { items, owner } = this;
    for (;;) {
      const item = items[0];
      if (item === undefined) break;
      if (item.type === 'close') {
        owner.onReadyToClose(item.code, item.reason);
      } else if (isReady(item.data)) {
        owner.onReadyToSend(item.data, item.size);
      } else {
        void this.read(item.data, item.size);
        return;
      }
      items.shift();
    }
    if (!this.isDiscarded) owner.onQueueEmpty();
  }

  private async read(blob: Blob, size: number): Promise<void> {
    let bytes: Uint8Array;
    try {
      bytes = await bytesOfBlob(blob);
    } catch {
      if (!this.isDiscarded) this.owner.onBlobFailed();
      return;
    }
    if (this.isDiscarded) return;
    this.items.shift();
    this.owner.onReadyToSend(bytes, size);
    this.sendNext();
  }
}

function isReady(data: Sendable): data is string | Uint8Array {
  return typeof data === 'string' || data instanceof Uint8Array;
}
