// Where the word loop of maskInPlace begins to pay (WORDS_FROM in packages/websocket/src/protocol/mask.ts).
//
//   node bench/micro/mask.mjs
//
// Measures the built module twice: once with the word loop taken out of reach, once with it taken from the first byte.
// "same buffer" is a read buffer that is used again and again; "fresh buffer" pays for a new word view each time.
import { readFile } from 'node:fs/promises';

const SIZES = [8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256, 512, 1024, 4096, 16384];
const ROUNDS = 12;
const ROUND_MS = 2;
/** Payloads begin anywhere: every alignment is measured. */
const OFFSETS = 4;

const built = new URL('../../packages/websocket/dist/protocol/mask.js', import.meta.url);
const source = await readFile(built, 'utf8').catch(() => {
  console.error('Build first: npm run build');
  process.exit(1);
});
const current = /const WORDS_FROM = (\d+);/.exec(source)?.[1];
if (current === undefined) throw new Error(`no WORDS_FROM in ${built.pathname}`);

/** The module with another threshold; every call gives a module of its own, with its own feedback for the compiler. */
async function variant(wordsFrom, name) {
  const text = source.replace(/const WORDS_FROM = \d+;/, `const WORDS_FROM = ${wordsFrom};`);
  return import(`data:text/javascript,${encodeURIComponent(`${text}\n// ${name}`)}`);
}

/** Buffers that the word view has not seen last: enough of them that none is the one before. */
function freshBuffers(size) {
  return Array.from({ length: 64 }, () => new Uint8Array(size + 16));
}

/** A run of so many calls over these buffers, in milliseconds. */
function runner({ maskInPlace }, size, buffers) {
  let key = 0x1b2c3d4e;
  let seen = 0;
  return (calls) => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) {
      const bytes = buffers[i % buffers.length];
      const at = i % OFFSETS;
      seen |= maskInPlace(bytes, at, at + size, key);
      key = (key * 1664525 + 1013904223) | 0;
    }
    if (seen === 0) throw new Error('nothing was masked');
    return performance.now() - start;
  };
}

/** The best of several rounds for each way, in turn, so that what disturbs the machine disturbs them alike. */
function nanosecondsPerCall(ways) {
  const measured = ways.map((run) => {
    let calls = 256;
    while (run(calls) < ROUND_MS) calls *= 2;
    return { run, calls, best: Infinity };
  });
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of measured) way.best = Math.min(way.best, way.run(way.calls) / way.calls);
  }
  return measured.map(({ best }) => best * 1e6);
}

const bytesOnly = await variant('Infinity', 'bytes');
const sameWords = await variant(8, 'words, same buffer');
const freshWords = await variant(8, 'words, fresh buffer');

const rows = SIZES.map((size) => {
  const buffers = [new Uint8Array(size + 16)];
  const [bytes, same, fresh] = nanosecondsPerCall([
    runner(bytesOnly, size, buffers),
    runner(sameWords, size, buffers),
    runner(freshWords, size, freshBuffers(size)),
  ]);
  return { size, bytes, same, fresh };
});

const pad = (value, width) => String(value).padStart(width);
console.log(`maskInPlace, ns a call, best of ${ROUNDS} rounds, node ${process.version}; WORDS_FROM is ${current}\n`);
console.log('  bytes | byte loop | words, same buffer | words, fresh buffer');
for (const { size, bytes, same, fresh } of rows) {
  console.log(
    `${pad(size, 7)} | ${pad(bytes.toFixed(1), 9)} | ${pad(same.toFixed(1), 18)} | ${pad(fresh.toFixed(1), 19)}`,
  );
}
for (const [column, where] of [
  ['same', 'the same buffer'],
  ['fresh', 'a fresh buffer'],
]) {
  const from = rows.find(
    (row, i) => row[column] <= row.bytes && (rows[i + 1] === undefined || rows[i + 1][column] <= rows[i + 1].bytes),
  );
  console.log(`${column === 'same' ? '\n' : ''}in ${where} words pay from ${from?.size ?? 'no'} bytes up`);
}
