// LMDB maps the file into memory and trusts what it finds: what is no database, or is cut short, ends the process. So the
// two pages that lead to everything else are looked at before it is asked.
import { type FileHandle, open } from 'node:fs/promises';
import { corrupt, StoreError } from './store-error.ts';

const MAGIC = 0xbeefc0de;
/** Where these stand in a meta page (struct MDB_meta behind the header of a page). */
const MAGIC_AT = 24;
const PAGE_SIZE_AT = 48;
const ROOTS_AT = [88, 136] as const;
const META_BYTES = 160;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/** @throws {StoreError} `PB_STORE_CORRUPT`, `PB_STORE_FOLDER`; it is well where there is no file, or an empty one */
export async function checkDataFile(file: string, folder: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r+');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    throw new StoreError('PB_STORE_FOLDER', `${file} cannot be written (${message}): make it writable`, error);
  }
  try {
    const { size } = await handle.stat();
    if (size === 0) return;
    const first = await metaAt(handle, 0);
    if (first === undefined) throw corrupt(folder, 'data.mdb is no LMDB database');
    const pageSize = first.readUInt32LE(PAGE_SIZE_AT);
    const second = await metaAt(handle, pageSize);
    if (second === undefined || ![first, second].every((meta) => hasItsRoots(meta, pageSize, size))) {
      throw corrupt(folder, 'data.mdb is not whole');
    }
  } finally {
    await handle.close();
  }
}

async function metaAt(handle: FileHandle, position: number): Promise<Buffer | undefined> {
  const meta = Buffer.alloc(META_BYTES);
  const { bytesRead } = await handle.read(meta, 0, META_BYTES, position);
  return bytesRead === META_BYTES && meta.readUInt32LE(MAGIC_AT) === MAGIC ? meta : undefined;
}

function hasItsRoots(meta: Buffer, pageSize: number, size: number): boolean {
  return ROOTS_AT.every((at) => {
    const root = meta.readBigUInt64LE(at);
    return root === NO_PAGE || (root + 1n) * BigInt(pageSize) <= BigInt(size);
  });
}
