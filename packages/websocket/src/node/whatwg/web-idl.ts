import { Blob as NodeBlob } from 'node:buffer';
import { toUSVString as wellFormed, types } from 'node:util';

// The conversions of Web IDL (https://webidl.spec.whatwg.org/) that the interfaces of the WebSockets Standard need.

/** What `send` takes, converted: text without lone surrogates, the bytes as they are in memory, or a Blob. */
export type Sendable = string | Uint8Array | Blob;

const NO_BYTES = new Uint8Array(0);
const blobSize = Object.getOwnPropertyDescriptor(NodeBlob.prototype, 'size')!.get!;
const blobBytes = NodeBlob.prototype.arrayBuffer;

/** @throws TypeError where a call has too few arguments */
export function requireArguments(where: string, given: number, required: number): void {
  if (given >= required) return;
  const plural = required === 1 ? '' : 's';
  throw new TypeError(`${where}: ${required} argument${plural} required, but only ${given} given`);
}

/** DOMString. @throws TypeError for a symbol, and for what cannot be made a string */
export function toDOMString(value: unknown): string {
  return typeof value === 'string' ? value : `${value as string}`;
}

/** USVString: lone surrogates become U+FFFD. */
export function toUSVString(value: unknown): string {
  return wellFormed(toDOMString(value));
}

/** `[Clamp] unsigned short`: the nearest from 0 to 65535, the even one of two; NaN is 0. */
export function toClampedUnsignedShort(value: unknown): number {
  const clamped = Math.min(Math.max(toNumber(value), 0), 0xff_ff);
  if (Number.isNaN(clamped)) return 0;
  const floor = Math.floor(clamped);
  const fraction = clamped - floor;
  if (fraction === 0.5) return floor + (floor % 2);
  return fraction < 0.5 ? floor : floor + 1;
}

/** `unsigned short`: modulo 2^16. */
export function toUnsignedShort(value: unknown): number {
  return toNumber(value) & 0xff_ff;
}

/** ToNumber of ECMAScript. @throws TypeError for a symbol or a BigInt */
function toNumber(value: unknown): number {
  return +(value as number);
}

/** `(DOMString or sequence<DOMString>)`, a string being a sequence of one. */
export function toStringSequence(value: unknown): string[] {
  if (isObject(value)) {
    const method: unknown = (value as Partial<Iterable<unknown>>)[Symbol.iterator];
    if (method !== undefined && method !== null) return sequenceOf(value, method);
  }
  return [toDOMString(value)];
}

/** As Web IDL has it and a loop has not: an iterator whose value cannot be converted is not told to return. */
function sequenceOf(iterable: object, method: unknown): string[] {
  if (typeof method !== 'function') throw new TypeError('protocols: Symbol.iterator is no function');
  const iterator: unknown = Reflect.apply(method, iterable, []);
  if (!isObject(iterator)) throw new TypeError('protocols: Symbol.iterator gives no object');
  const { next } = iterator as Iterator<unknown>;
  const strings: string[] = [];
  for (;;) {
    const result: unknown = Reflect.apply(next, iterator, []);
    if (!isObject(result)) throw new TypeError('protocols: the iterator gives no object');
    if ((result as IteratorResult<unknown>).done) return strings;
    strings.push(toDOMString((result as IteratorResult<unknown>).value));
  }
}

/**
 * `(BufferSource or Blob or USVString)`. A SharedArrayBuffer is none of these, so it becomes a string.
 * @throws TypeError for a view on shared memory, and for what can be resized: the IDL allows neither
 */
export function toSendable(data: unknown): Sendable {
  if (typeof data === 'string') return wellFormed(data);
  if (ArrayBuffer.isView(data)) {
    if (types.isSharedArrayBuffer(data.buffer)) {
      throw new TypeError('send: the view is on a SharedArrayBuffer; send a copy, such as view.slice()');
    }
    // A view on a detached buffer is empty; a DataView would throw when asked.
    if (isEmptyBuffer(data.buffer)) return NO_BYTES;
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  if (types.isArrayBuffer(data)) return isEmptyBuffer(data) ? NO_BYTES : new Uint8Array(data);
  return isBlob(data) ? data : toUSVString(data);
}

/** `(BufferSource or USVString)`: as {@link toSendable}, but a Blob becomes a string like any other object. */
export function toBytesOrText(data: unknown): string | Uint8Array {
  const isBuffer = ArrayBuffer.isView(data) || types.isArrayBuffer(data);
  return isBuffer ? (toSendable(data) as Uint8Array) : toUSVString(data);
}

/** Also where it is detached: then there is nothing to make a view on. */
function isEmptyBuffer(buffer: ArrayBufferLike): boolean {
  if ((buffer as { resizable?: boolean }).resizable === true) {
    throw new TypeError('send: the ArrayBuffer is resizable; send a copy, such as buffer.slice()');
  }
  return buffer.byteLength === 0;
}

function isBlob(value: unknown): value is Blob {
  if (!isObject(value)) return false;
  try {
    sizeOfBlob(value as Blob);
    return true;
  } catch {
    // Only a Blob has a size to give, whatever its prototype says.
    return false;
  }
}

/** In bytes. */
export function sizeOfBlob(blob: Blob): number {
  return Reflect.apply(blobSize, blob, []) as number;
}

/** Rejects where the Blob is of a file that has changed since. */
export async function bytesOfBlob(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array((await Reflect.apply(blobBytes, blob, [])) as ArrayBuffer);
}

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Members of an interface's prototype are enumerable (Web IDL §3.7); those of a class are not. */
export function defineInterface(constructor: { prototype: object; readonly name: string }, members: string[]): void {
  const { prototype, name } = constructor;
  for (const member of members) {
    Object.defineProperty(prototype, member, {
      ...Object.getOwnPropertyDescriptor(prototype, member),
      enumerable: true,
    });
  }
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
}

/** Constants stand on the interface and on its prototype, and cannot be changed (Web IDL §3.7.5). */
export function defineConstants(constructor: { prototype: object }, constants: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(constants)) {
    const descriptor = { value, enumerable: true };
    Object.defineProperty(constructor, name, descriptor);
    Object.defineProperty(constructor.prototype, name, descriptor);
  }
}
