/**
 * Messages of many kilobytes are memory that comes and goes: of young memory outside of its heap V8 collects 32 MiB at a
 * time, and a little more (measured with Node 20). glibc gives the end of its own heap back to the kernel as soon as 128 KiB
 * of it are free, and gets it again page by page, with a fault for each: a third of what an echo of 16 KiB costs. It keeps
 * twice as much as the largest block that it mapped by itself and that was freed (mallopt(3), M_MMAP_THRESHOLD: "dynamic"),
 * so one such block is taken, and dropped. Nobody touches it: it takes addresses, and no memory. Blocks up to its size come
 * from the heap from then on. Where an administrator has set `MALLOC_TRIM_THRESHOLD_`, that counts, and with other
 * allocators nothing happens.
 */
const BLOCK_BYTES = 24 * 1024 * 1024;

let isKept = process.platform !== 'linux';

/** Has the allocator keep what is free at the end of its heap, up to 48 MiB; the first time that it is called. */
export function keepFreedMemory(): void {
  if (isKept) return;
  isKept = true;
  try {
    Buffer.allocUnsafeSlow(BLOCK_BYTES);
  } catch {
    // Addresses are limited (ulimit -v, strict overcommit): then it stays as it is.
  }
}
