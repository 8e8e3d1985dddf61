import { type PreparedMessage, prepareMessage } from '@pulsebeacon/websocket';
import { encodePublication, encodeSse, formatPosition, type Publication } from '@pulsebeacon/wire';

const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** A publication in all the forms in which it leaves: each is made when the first subscriber needs it, and once. */
export class EncodedPublication {
  readonly publication: Publication;
  private jsonText: string | undefined;
  private raw: PreparedMessage | undefined;
  private enveloped: PreparedMessage | undefined;
  private line: Buffer | undefined;
  private event: Buffer | undefined;
  private eventOfMany: Buffer | undefined;

  constructor(publication: Publication) {
    this.publication = publication;
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
 * The encodings of publications that are read from the history, for the many clients that return at once: the newest so
 * many, because they would double what the history takes.
 */
export class EncodingCache {
  private readonly entries = new Map<Publication, EncodedPublication>();
  private readonly size: number;

  constructor(size = 2048) {
    this.size = size;
  }

  get(publication: Publication): EncodedPublication {
    let encoded = this.entries.get(publication);
    if (encoded !== undefined) return encoded;
    encoded = new EncodedPublication(publication);
    this.entries.set(publication, encoded);
    if (this.entries.size > this.size) this.entries.delete(this.entries.keys().next().value!);
    return encoded;
  }
}
