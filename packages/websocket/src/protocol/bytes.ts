/** An owned copy of the bytes from `start` to `end`: a plain Uint8Array, of a Buffer too. */
export function copyBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  // Made from a view it is copied into memory that was not zeroed first. (`slice` of a Buffer is a view.)
  return new Uint8Array(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
}
