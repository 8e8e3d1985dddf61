import { maskInPlace } from '../protocol/mask.ts';
import type { Platform } from '../protocol/platform.ts';

/*
 * Masking (RFC 6455 §5.3) sixteen bytes at a time, four times in a row. JavaScript has no instruction for more than four
 * bytes; WebAssembly has, in memory of its own. Sockets read into 64 KiB of it (shared-read-buffer.ts), so that what comes
 * in is unmasked where it lies; whatever lies elsewhere is copied through another 64 KiB, where that pays.
 *
 * Without WebAssembly or its SIMD instructions (`node --jitless`, an old processor), and in a process started with
 * PULSEBEACON_MASK=plain, everything is masked by the loop of protocol/mask.ts, which gives the same results.
 */

/** So much is read at a time. */
const PAGE_BYTES = 65536;

/**
 * Where sockets read to: 8 bytes, the header of a masked frame of 126 to 65,535 bytes (RFC 6455 §5.2), before a line of
 * the cache, so that such a payload at the beginning of what was read lies on whole lines. The scratch page begins on the
 * line behind it: hence three pages of memory, of which the last is hardly touched.
 */
const PAGE_AT = 56;
const SCRATCH_AT = PAGE_BYTES + 64;

/** From this many bytes on two copies and the module are quicker than the loop: measured by bench/micro/mask.mjs. */
const SCRATCH_FROM = 256;

/**
 * The module in WebAssembly's binary format; behind `;;` the same as text. Fewer than 16 bytes are masked one by one.
 * Of more the last 16 are masked first and stored last: where they overlap the sixteens that are counted from the
 * beginning both say the same, and no byte is left over. Sixteens are taken four at a time while there are so many. The
 * result is all masked bytes ORed together, four at a time.
 */
const MODULE = `
  00 61 73 6d 01 00 00 00              ;; (module
  01 08 01 60 03 7f 7f 7f 01 7f        ;;   (type (func (param i32 i32 i32) (result i32)))
  02 11 01 04 68 6f 73 74              ;;   (import "host"
  06 6d 65 6d 6f 72 79 02 01 03 03     ;;     "memory" (memory 3 3))
  03 02 01 00                          ;;   (func
  07 08 01 04 6d 61 73 6b 00 00        ;;     (export "mask")
  0a bf 02 01 bc 02                    ;;     (param $at i32) (param $end i32) (param $key i32) (result i32)
  02 02 7f 07 7b                       ;;     (local $seen i32) (local $four i32) (local $keys v128) (local $all v128)
                                       ;;     (local $last v128) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
  20 01 20 00 6b 41 10                 ;;     (i32.sub (local.get $end) (local.get $at)) (i32.const 16)
  49 04 40                             ;;     (if (i32.lt_u) (then
  03 40                                ;;       (loop $next
  20 00 20 01 49 04 40                 ;;         (if (i32.lt_u (local.get $at) (local.get $end)) (then
  20 00 20 00 2d 00 00                 ;;           (local.get $at) (i32.load8_u (local.get $at))
  20 02 73 3a 00 00                    ;;           (i32.store8 (i32.xor (local.get $key)))
  20 03 20 00 2d 00 00                 ;;           (local.get $seen) (i32.load8_u (local.get $at))
  72 21 03                             ;;           (local.set $seen (i32.or))
  20 02 41 08 78 21 02                 ;;           (local.set $key (i32.rotr (local.get $key) (i32.const 8)))
  20 00 41 01 6a 21 00                 ;;           (local.set $at (i32.add (local.get $at) (i32.const 1)))
  0c 01 0b 0b                          ;;           (br $next))))
  20 03 0f 0b                          ;;       (return (local.get $seen))))
  20 01 41 10 6b 21 01                 ;;     (local.set $end (i32.sub (local.get $end) (i32.const 16)))
  20 02 fd 11 21 05                    ;;     (local.set $keys (i32x4.splat (local.get $key)))
  20 01 fd 00 00 00                    ;;     (v128.load align=1 (local.get $end))
  20 02 20 01 20 00 6b 41 03           ;;     (local.get $key) (i32.sub (local.get $end) (local.get $at)) (i32.const 3)
  74 78 fd 11 fd 51 21 07              ;;     (local.set $last (v128.xor (i32x4.splat (i32.rotr (i32.shl)))))
  20 01 41 30 6b 21 04                 ;;     (local.set $four (i32.sub (local.get $end) (i32.const 48)))
  20 00 20 04 4c 04 40                 ;;     (if (i32.le_s (local.get $at) (local.get $four)) (then
  03 40                                ;;       (loop $next
  20 00 20 00 fd 00 00 00              ;;         (local.get $at) (v128.load align=1 (local.get $at))
  20 05 fd 51 22 08 fd 0b 00 00        ;;         (v128.store align=1 (local.tee $a (v128.xor (local.get $keys))))
  20 00 20 00 fd 00 00 10              ;;         (local.get $at) (v128.load offset=16 align=1 (local.get $at))
  20 05 fd 51 22 09 fd 0b 00 10        ;;         (v128.store offset=16 align=1 (local.tee $b (v128.xor (local.get $keys))))
  20 00 20 00 fd 00 00 20              ;;         (local.get $at) (v128.load offset=32 align=1 (local.get $at))
  20 05 fd 51 22 0a fd 0b 00 20        ;;         (v128.store offset=32 align=1 (local.tee $c (v128.xor (local.get $keys))))
  20 00 20 00 fd 00 00 30              ;;         (local.get $at) (v128.load offset=48 align=1 (local.get $at))
  20 05 fd 51 22 0b fd 0b 00 30        ;;         (v128.store offset=48 align=1 (local.tee $d (v128.xor (local.get $keys))))
  20 06 20 08 20 09 fd 50              ;;         (local.get $all) (v128.or (local.get $a) (local.get $b))
  20 0a 20 0b fd 50 fd 50              ;;         (v128.or (v128.or (local.get $c) (local.get $d)))
  fd 50 21 06                          ;;         (local.set $all (v128.or))
  20 00 41 c0 00 6a 21 00              ;;         (local.set $at (i32.add (local.get $at) (i32.const 64)))
  20 00 20 04 4c 0d 00 0b 0b           ;;         (br_if $next (i32.le_s (local.get $at) (local.get $four))))))
  03 40                                ;;     (loop $next
  20 00 20 01 4d 04 40                 ;;       (if (i32.le_u (local.get $at) (local.get $end)) (then
  20 00 20 00 fd 00 00 00              ;;         (local.get $at) (v128.load align=1 (local.get $at))
  20 05 fd 51 22 08 fd 0b 00 00        ;;         (v128.store align=1 (local.tee $a (v128.xor (local.get $keys))))
  20 06 20 08 fd 50 21 06              ;;         (local.set $all (v128.or (local.get $all) (local.get $a)))
  20 00 41 10 6a 21 00                 ;;         (local.set $at (i32.add (local.get $at) (i32.const 16)))
  0c 01 0b 0b                          ;;         (br $next))))
  20 01 20 07 fd 0b 00 00              ;;     (v128.store align=1 (local.get $end) (local.get $last))
  20 06 20 07 fd 50 21 06              ;;     (local.set $all (v128.or (local.get $all) (local.get $last)))
  20 06 fd 1b 00                       ;;     (i32x4.extract_lane 0 (local.get $all))
  20 06 fd 1b 01 72                    ;;     (i32.or (i32x4.extract_lane 1 (local.get $all)))
  20 06 fd 1b 02 72                    ;;     (i32.or (i32x4.extract_lane 2 (local.get $all)))
  20 06 fd 1b 03 72 0b                 ;;     (i32.or (i32x4.extract_lane 3 (local.get $all)))))
`;

/** What is used of WebAssembly: the types of Node do not have it. */
interface WebAssemblyApi {
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: { mask(at: number, end: number, key: number): number } };
}

interface Masking {
  /** 64 KiB. What lies here is masked where it lies; sockets read into it. */
  readonly page: Uint8Array;
  readonly mask: Platform['mask'];
}

function simdMasking({ Memory, Module, Instance }: WebAssemblyApi): Masking {
  const bytes = MODULE.replaceAll(/;;.*/g, '').trim().split(/\s+/);
  const module = new Module(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)));
  // Of fixed size: memory that grows moves, and takes its views along.
  const memory = new Memory({ initial: 3, maximum: 3 });
  const { mask } = new Instance(module, { host: { memory } }).exports;
  const page = new Uint8Array(memory.buffer, PAGE_AT, PAGE_BYTES);
  const scratch = new Uint8Array(memory.buffer, SCRATCH_AT, PAGE_BYTES);

  function maskThroughScratch(target: Uint8Array, start: number, end: number, key: number): number {
    let seen = 0;
    // A page is a multiple of four bytes: the key begins anew with each piece.
    for (let at = start; at < end; at += PAGE_BYTES) {
      const length = Math.min(PAGE_BYTES, end - at);
      scratch.set(target.subarray(at, at + length));
      seen |= mask(SCRATCH_AT, SCRATCH_AT + length, key);
      target.set(length === PAGE_BYTES ? scratch : scratch.subarray(0, length), at);
    }
    return seen;
  }

  return {
    page,
    mask(target, start, end, key) {
      // By identity: `buffer` of a Uint8Array is slow to ask for.
      if (target === page) return mask(PAGE_AT + start, PAGE_AT + end, key);
      if (end - start < SCRATCH_FROM) return maskInPlace(target, start, end, key);
      return maskThroughScratch(target, start, end, key);
    },
  };
}

function findMasking(): Masking {
  const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyApi };
  if (WebAssembly !== undefined && process.env['PULSEBEACON_MASK'] !== 'plain') {
    try {
      return simdMasking(WebAssembly);
    } catch {
      // No SIMD, or no address space for the memory.
    }
  }
  return { page: new Uint8Array(PAGE_BYTES), mask: maskInPlace };
}

const masking: Masking = findMasking();

/** 64 KiB that all sockets read into; what lies here is unmasked where it lies. */
export const readPage: Uint8Array = masking.page;

/** Masks as `maskInPlace` does, by the quickest way that there is. */
export const mask: Platform['mask'] = masking.mask;
