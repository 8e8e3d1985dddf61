import { type PreparedMessage, prepareMessage } from '@pulsebeacon/websocket';
import { encodePublication, encodeSse, formatPosition, type Publication } from '@pulsebeacon/wire';
import { storedSize } from './stored-size.ts';

export const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

const LINE = { isLine: true };

/** A publication in all the forms in which it leaves: each is made when the first subscriber needs it, and once. */
export class EncodedPublication {
  readonly publication: Publication;
  /** Nobody but one subscriber gets it: what many could share is not worth making. */
  readonly isForOne: boolean;
  /** For {@link EncodingCache}: what was asked for after this one. */
  next: EncodedPublication | undefined;
  private jsonText: string | undefined;
  private raw: PreparedMessage | undefined;
  private enveloped: PreparedMessage | undefined;
  private envelopedLine: PreparedMessage | undefined;
  private line: Buffer | undefined;
  private event: Buffer | undefined;
  private eventOfMany: Buffer | undefined;

  constructor(publication: Publication, isForOne = false) {
    this.publication = publication;
    this.isForOne = isForOne;
  }

  /** In an envelope, on one line. */
  get json(): string {
    return (this.jsonText ??= encodePublication(this.publication, toBase64));
  }

  /** A WebSocket message with the payload alone. */
  get rawMessage(): PreparedMessage {
    return (this.raw ??= prepareMessage(this.publication.data));
  }

  /** A WebSocket message with the envelope. */
  get jsonMessage(): PreparedMessage {
    return (this.enveloped ??= prepareMessage(this.json));
  }

  /** The same, for those who take several in one message, a line each. */
  get jsonLine(): PreparedMessage {
    return (this.envelopedLine ??= prepareMessage(this.json, 'text', LINE));
  }

  /** A line of ndjson. */
  get ndjson(): Buffer {
    return (this.line ??= Buffer.from(`${this.json}\n`));
  }

  /** An event of the event stream of its channel; its id is the position. */
  get sse(): Buffer {
    return (this.event ??= Buffer.from(encodeSse({ id: formatPosition(this.publication), data: this.json })));
  }

  /** An event of an event stream of many channels, without an id. */
  get sseOfMany(): Buffer {
    return (this.eventOfMany ??= Buffer.from(encodeSse({ data: this.json })));
  }
}

/**
 * The encodings of publications that are read from the history, for the many clients that return at once. They are found by
 * their positions: most brokers read a publication anew each time. Pages are read in order, so that what was asked for
 * next the last time is looked at first: that spares most the key. The oldest go first.
 */
export class EncodingCache {
  private readonly entries = new Map<string, EncodedPublication>();
  private readonly maxBytes: number;
  private bytes = 0;
  private last: EncodedPublication | undefined;

  /** @param maxBytes of payloads, which take up to four times as much with their encodings */
  constructor(maxBytes = 4_194_304) {
    this.maxBytes = maxBytes;
  }

  /** What a publication takes in an envelope. */
  readonly jsonBytes = (publication: Publication): number => Buffer.byteLength(this.get(publication).json);

  get(publication: Publication): EncodedPublication {
    const next = this.last?.next;
    if (next !== undefined && isSame(next.publication, publication)) return (this.last = next);
    const found = this.find(publication);
    if (this.last !== undefined) this.last.next = found;
    return (this.last = found);
  }

  private find(publication: Publication): EncodedPublication {
    const key = `${publication.offset}.${publication.epoch}/${publication.channel}`;
    const known = this.entries.get(key);
    if (known !== undefined) return known;
    const encoded = new EncodedPublication(publication);
    this.entries.set(key, encoded);
    this.bytes += storedSize(publication);
    for (const [oldest, old] of this.entries) {
      if (this.bytes <= this.maxBytes) break;
      this.entries.delete(oldest);
      this.bytes -= storedSize(old.publication);
      // Whoever still holds it does not hold all that came after it.
      old.next = undefined;
    }
    return encoded;
  }
}

function isSame(a: Publication, b: Publication): boolean {
  return a.offset === b.offset && a.channel === b.channel && a.epoch === b.epoch;
}
