import { copyBytes } from '../protocol/bytes.ts';
import type { Platform } from '../protocol/platform.ts';
import type { MessageKind } from './connection.ts';
import { UsageError } from './errors.ts';
import { readableOver } from './pulled-readable.ts';
import { Puller, type PullSource } from './puller.ts';

/** The parts of one message, as they arrive. They are read one way: by `readable`, or by one loop over the message. */
export class ArrivingMessage {
  readonly kind: MessageKind;
  readonly parts: Puller<Uint8Array>;
  private readonly platform: Platform;
  private stream: ReadableStream<Uint8Array> | undefined;
  private isClaimed = false;

  constructor(kind: MessageKind, source: PullSource, platform: Platform) {
    this.kind = kind;
    this.parts = new Puller(source, (part) => part.length);
    this.platform = platform;
  }

  get readable(): ReadableStream<Uint8Array> {
    if (this.stream === undefined) {
      this.claim();
      this.stream = readableOver(this.parts, () => {});
    }
    return this.stream;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<string | Uint8Array, undefined> {
    this.claim();
    return this.kind === 'text' ? new TextParts(this.parts, this.platform) : this.parts;
  }

  /** Nobody gets the rest any more. */
  skip(): void {
    this.parts.abandon(
      new UsageError('PB_MESSAGE_SKIPPED', 'what is left of this message was skipped, when the next one was asked for'),
    );
  }

  private claim(): void {
    if (this.isClaimed) {
      throw new UsageError(
        'PB_RECEIVE_MODE',
        'the parts of this message are being read already: use its readable, or one loop over it',
      );
    }
    this.isClaimed = true;
  }
}

/** Text in parts: a character that is cut waits for its rest. The bytes were checked before they came here. */
class TextParts implements AsyncIterableIterator<string, undefined> {
  private readonly parts: Puller<Uint8Array>;
  private readonly platform: Platform;
  /** The beginning of a character. */
  private cut: Uint8Array = EMPTY;
  /** Calls are served one after the other, as each may need more than one part. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(parts: Puller<Uint8Array>, platform: Platform) {
    this.parts = parts;
    this.platform = platform;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<string, undefined>> {
    const pull = (): Promise<IteratorResult<string, undefined>> => this.pull();
    const next = this.last.then(pull, pull);
    this.last = next;
    return next;
  }

  async return(): Promise<IteratorResult<string, undefined>> {
    await this.parts.return();
    return { value: undefined, done: true };
  }

  private async pull(): Promise<IteratorResult<string, undefined>> {
    for (;;) {
      const part = await this.parts.next();
      if (part.done === true) return part;
      const text = this.decode(part.value);
      if (text !== '') return { value: text, done: false };
    }
  }

  private decode(part: Uint8Array): string {
    const bytes = this.cut.length === 0 ? part : joined(this.cut, part);
    const end = endOfCharacters(bytes);
    this.cut = end === bytes.length ? EMPTY : copyBytes(bytes, end, bytes.length);
    return this.platform.decodeUtf8(bytes, 0, end);
  }
}

const EMPTY = new Uint8Array(0);

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

/** How many bytes of the beginning of a well-formed text are whole characters. */
function endOfCharacters(bytes: Uint8Array): number {
  const { length } = bytes;
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = bytes[length - back]!;
    // A continuation byte says nothing of how long its character is.
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return needed > back ? length - back : length;
  }
  return length;
}
