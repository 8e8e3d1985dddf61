import { headerLength } from '../../protocol/sender.ts';

/** More lengths than this are not kept for messages that have left. */
const MOST_GONE = 1024;

const MASKING_KEY = 4;

/**
 * What `bufferedAmount` counts: payload bytes that were sent and are not transmitted, as of the end of the last turn
 * of the event loop. The connection knows how many bytes it has queued, but with framing: which messages these belong
 * to follows from the length that the frame of each has. Where messages are compressed, what is queued is shorter
 * than its frames would be, and counts as what it is.
 */
export class BufferedAmount {
  /** Payload lengths of messages that may not have left, oldest first, from `first` on. */
  private lengths: number[] = [];
  private first = 0;
  /** Messages before this one were sent in an earlier turn; those of this turn all count. */
  private thisTurn = 0;
  private payloadBytes = 0;
  private frameBytes = 0;
  /** Bytes that wait for a Blob to be read. */
  private waitingBytes = 0;
  /** Bytes that will never leave. */
  private lostBytes = 0;
  private isFrozen = false;

  /** A message has gone to the connection. */
  addSent(length: number): void {
    this.lengths.push(length);
    this.payloadBytes += length;
    this.frameBytes += frameLength(length);
  }

  /** A message waits for a Blob to be read, or, negative, no longer does. */
  addWaiting(length: number): void {
    this.waitingBytes += length;
  }

  /** A message came too late. */
  addLost(length: number): void {
    this.lostBytes += length;
  }

  /** The messages of this turn are written, as far as the network takes them. @param queued bytes that are not */
  endTurn(queued: number): void {
    if (this.isFrozen) return;
    this.thisTurn = this.lengths.length;
    this.forget(queued);
  }

  /** Bytes of payload that are not transmitted. @param queued bytes, with framing, that the connection has queued */
  read(queued: number): number {
    this.forget(queued);
    return this.lostBytes + this.waitingBytes + this.payloadBytes - this.transmittedOfFirst(queued);
  }

  /** The connection is over: from here on the amount only grows. @param queued as far as it is known, else Infinity */
  freeze(queued: number): void {
    if (this.isFrozen) return;
    this.lostBytes = this.read(queued);
    this.waitingBytes = 0;
    this.clear();
    this.isFrozen = true;
  }

  private forget(queued: number): void {
    const { lengths, thisTurn } = this;
    while (this.first < thisTurn) {
      const length = lengths[this.first]!;
      const behind = this.frameBytes - frameLength(length);
      if (behind < queued) break;
      this.first++;
      this.payloadBytes -= length;
      this.frameBytes = behind;
    }
    if (this.first === lengths.length) this.clear();
    else if (this.first > MOST_GONE) this.compact();
  }

  /** Its header is transmitted before its payload. */
  private transmittedOfFirst(queued: number): number {
    if (this.first >= this.thisTurn) return 0;
    const length = this.lengths[this.first]!;
    const queuedOfIt = queued - (this.frameBytes - frameLength(length));
    return Math.max(0, length - queuedOfIt);
  }

  private clear(): void {
    if (this.lengths.length > MOST_GONE) this.lengths = [];
    else this.lengths.length = 0;
    this.first = this.thisTurn = this.payloadBytes = this.frameBytes = 0;
  }

  private compact(): void {
    this.lengths.splice(0, this.first);
    this.thisTurn -= this.first;
    this.first = 0;
  }
}

function frameLength(payloadLength: number): number {
  return headerLength(payloadLength) + MASKING_KEY + payloadLength;
}
