/**
 * A process of its own, for bombs.test.ts: inflates one bomb and prints what became of it and how much memory that
 * took, in bytes. No memory is there yet that an earlier test freed.
 *
 *   node build/test/support/detonate.js private|public takeover|none LIMIT
 */
import { Buffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { connect, inflate, makeProvider, parameters, type Path, takeover } from './deflate.ts';

const MIB = 1024 * 1024;

/** About 1 KiB for each MiB of zeros: each part refers to nothing before it. */
export function makeBomb(mebibytes: number): Buffer {
  const part = deflateRawSync(Buffer.alloc(MIB), { finishFlush: 2, level: 9 });
  return Buffer.concat([...Array<Buffer>(mebibytes).fill(part), Buffer.from([0])]);
}

/** Begins to measure: the most resident memory from here on, less what there is now. */
export function measure(): () => number {
  // Resets VmHWM (proc(5)).
  writeFileSync('/proc/self/clear_refs', '5');
  const before = status('VmRSS');
  return () => status('VmHWM') - before;
}

function status(field: string): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return 1024 * Number(line![1]);
}

async function detonate(
  path: Path,
  keeps: boolean,
  limit: number,
): Promise<{ code: string | undefined; grown: number }> {
  const { provider } = makeProvider(path, { takeover: true });
  const { inflater } = connect(provider, keeps ? takeover() : parameters());
  // One like it before, so that only what a message takes is measured, and not what is loaded and compiled.
  const hello = deflateRawSync(Buffer.alloc(50_000, 'Hello'), { finishFlush: 2, level: 0 }).subarray(0, -4);
  await inflate(inflater, hello, limit);
  const bomb = makeBomb(1024);
  const grown = measure();
  const { code } = await inflate(inflater, bomb, limit);
  return { code, grown: grown() };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , path, keeps, limit] = process.argv;
  console.log(JSON.stringify(await detonate(path as Path, keeps === 'takeover', Number(limit))));
}
