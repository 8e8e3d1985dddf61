/** Larger memory is not kept alive for the next view of it. */
const MOST_KEPT = 1 << 20;

// What was viewed last. To ask for the memory of a view is slow, and nearly all views are of one: what is read goes to the
// same memory again and again.
let source: Uint8Array | null = null;
let memory: ArrayBufferLike;
let offset = 0;

/**
 * The bytes from `start` to `end`, in the same memory: a plain Uint8Array, of a Buffer too, and quicker than `subarray`.
 * Both have to lie within `bytes`, for nothing is clamped.
 */
export function viewBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (bytes !== source) {
    const { buffer, byteOffset } = bytes;
    if (buffer.byteLength > MOST_KEPT) return new Uint8Array(buffer, byteOffset + start, end - start);
    source = bytes;
    memory = buffer;
    offset = byteOffset;
  }
  return new Uint8Array(memory, offset + start, end - start);
}

/** An owned copy of the bytes from `start` to `end`: a plain Uint8Array, of a Buffer too. */
export function copyBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  // Made from a view it is copied into memory that was not zeroed first. (`slice` of a Buffer is a view.)
  return new Uint8Array(start === 0 && end === bytes.length ? bytes : viewBytes(bytes, start, end));
}
