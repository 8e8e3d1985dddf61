// The bytes of what is kept. Every value begins with the version of its form, so that a later one can read it.
import { BINARY_TYPE, JSON_TYPE, type PayloadKind, type Publication, TEXT_TYPE } from '@pulsebeacon/wire';
import { StoreError } from './store-error.ts';

const VERSION = 1;
const KINDS: readonly PayloadKind[] = ['json', 'text', 'binary'];
/** Content types that take one byte. 0 stands before one that is written out. */
const TYPES: readonly string[] = ['', JSON_TYPE, TEXT_TYPE, BINARY_TYPE];
const KIND_BITS = 0b11;
const ASCII = 0b100;
const HAS_KEY = 0b1000;
const HAS_PUBLISHER = 0b1_0000;
const LONGEST_NUMBER = 5;
const TIME_BYTES = 6;

/** Version, and the time of the last publication. */
const HEAD = 1 + TIME_BYTES;

/** Grows as it is needed, and is used again for every segment. */
class Writer {
  private bytes = Buffer.allocUnsafe(64 * 1024);
  private at = 0;

  begin(): void {
    this.at = 0;
  }

  end(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.at));
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.at++] = value;
  }

  time(value: number): void {
    this.room(TIME_BYTES);
    this.at = this.bytes.writeUIntBE(value, this.at, TIME_BYTES);
  }

  /** Seven bits to a byte, the lowest first. */
  number(value: number): void {
    this.room(LONGEST_NUMBER);
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.at++] = rest;
  }

  /** @param length its bytes in UTF-8 */
  text(text: string, length: number): void {
    this.number(length);
    this.room(length);
    this.at += this.bytes.write(text, this.at, length === text.length ? 'latin1' : 'utf8');
  }

  raw(data: Uint8Array): void {
    this.number(data.byteLength);
    this.room(data.byteLength);
    this.bytes.set(data, this.at);
    this.at += data.byteLength;
  }

  private room(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.at + more));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }
}

class Reader {
  at: number;
  readonly bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  get atEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    return this.bytes[this.at++]!;
  }

  time(): number {
    this.at += TIME_BYTES;
    return this.bytes.readUIntBE(this.at - TIME_BYTES, TIME_BYTES);
  }

  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  text(): string {
    const end = this.number() + this.at;
    const text = this.bytes.toString('utf8', this.at, end);
    this.at = end;
    return text;
  }

  ascii(): string {
    const end = this.number() + this.at;
    const text = this.bytes.toString('latin1', this.at, end);
    this.at = end;
    return text;
  }

  raw(): Uint8Array {
    const end = this.number() + this.at;
    // A copy: what is kept of a publication must not keep its whole segment in memory.
    const data = Uint8Array.from(this.bytes.subarray(this.at, end));
    this.at = end;
    return data;
  }
}

const writer = new Writer();

/** A segment: publications of one channel whose offsets follow each other. The first offset is in its key. */
export function encodeSegment(publications: readonly Publication[]): Buffer {
  writer.begin();
  writer.byte(VERSION);
  writer.time(publications.at(-1)!.time);
  for (const publication of publications) writePublication(publication);
  return writer.end();
}

function writePublication({ kind, contentType, data, key, publisher, time }: Publication): void {
  const length = typeof data === 'string' ? Buffer.byteLength(data) : 0;
  const isAscii = typeof data === 'string' && length === data.length;
  const flags = KINDS.indexOf(kind) | (isAscii ? ASCII : 0);
  writer.byte(flags | (key === undefined ? 0 : HAS_KEY) | (publisher === undefined ? 0 : HAS_PUBLISHER));
  writer.time(time);
  const type = TYPES.indexOf(contentType);
  writer.byte(Math.max(0, type));
  if (type <= 0) writer.text(contentType, Buffer.byteLength(contentType));
  if (key !== undefined) writer.text(key, Buffer.byteLength(key));
  if (publisher !== undefined) writer.text(publisher, Buffer.byteLength(publisher));
  if (typeof data === 'string') writer.text(data, length);
  else writer.raw(data);
}

/** The time of the last publication in a segment. */
export function lastTimeOf(segment: Buffer): number {
  return new Reader(checkVersion(segment), 1).time();
}

/** @param first the offset of its first publication */
export function decodeSegment(segment: Buffer, channel: string, epoch: string, first: number): Publication[] {
  const reader = new Reader(checkVersion(segment), HEAD);
  const publications: Publication[] = [];
  while (!reader.atEnd) publications.push(readPublication(reader, channel, epoch, first + publications.length));
  return publications;
}

function readPublication(reader: Reader, channel: string, epoch: string, offset: number): Publication {
  const flags = reader.byte();
  const kind = KINDS[flags & KIND_BITS]!;
  const time = reader.time();
  const type = reader.byte();
  const contentType = type === 0 ? reader.text() : TYPES[type]!;
  const key = (flags & HAS_KEY) === 0 ? undefined : reader.text();
  const publisher = (flags & HAS_PUBLISHER) === 0 ? undefined : reader.text();
  const data = kind === 'binary' ? reader.raw() : (flags & ASCII) === 0 ? reader.text() : reader.ascii();
  return { channel, epoch, offset, time, kind, contentType, data, key, publisher };
}

function checkVersion(value: Buffer): Buffer {
  if (value[0] === VERSION) return value;
  throw new StoreError('PB_STORE_CORRUPT', `a record has the form ${value[0]}, of which this version knows nothing`);
}

/** Some numbers in a row, such as the state of a channel. */
export function encodeNumbers(numbers: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(1 + numbers.length * 8);
  bytes[0] = VERSION;
  for (const [i, value] of numbers.entries()) bytes.writeDoubleBE(value, 1 + i * 8);
  return bytes;
}

export function decodeNumbers(value: Buffer): number[] {
  const numbers: number[] = [];
  for (let at = 1; at < checkVersion(value).length; at += 8) numbers.push(value.readDoubleBE(at));
  return numbers;
}
