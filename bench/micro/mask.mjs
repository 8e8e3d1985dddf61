// Where the quicker ways of masking begin to pay: WORDS_FROM in packages/websocket/src/protocol/mask.ts, and
// SCRATCH_FROM in packages/websocket/src/node/simd-mask.ts.
//
//   node bench/micro/mask.mjs
//
// Measures the built modules, with their thresholds put out of reach or taken away. "same" is a buffer that is used
// again and again; "fresh" one that was not used before, and pays for a new view of its words. "page" is the memory
// that sockets read into, "scratch" the way through the module's memory and back, of a buffer that is used again.
import { readFile } from 'node:fs/promises';

const SIZES = [8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128, 192, 256, 320, 384, 512, 1024, 4096, 16384];
const ROUNDS = 12;
const ROUND_MS = 2;
/** Payloads begin anywhere: every alignment is measured. */
const OFFSETS = 4;

const MODULES = {
  mask: { path: 'protocol/mask.js', threshold: /const WORDS_FROM = (\d+);/ },
  simd: { path: 'node/simd-mask.js', threshold: /const SCRATCH_FROM = (\d+);/ },
};

const dist = new URL('../../packages/websocket/dist/', import.meta.url);
for (const [name, module] of Object.entries(MODULES)) {
  module.url = new URL(module.path, dist);
  module.source = await readFile(module.url, 'utf8').catch(() => {
    console.error('Build first: npm run build');
    process.exit(1);
  });
  module.current = module.threshold.exec(module.source)?.[1];
  if (module.current === undefined) throw new Error(`no threshold in ${module.url.pathname}`);
  module.variant = (from, label) => {
    // What it imports is found from where it lies.
    const text = module.source
      .replace(module.threshold, (line) => line.replace(module.current, from))
      .replaceAll(/from '(\.[^']+)'/g, (_, path) => `from '${new URL(path, module.url)}'`);
    // A module of its own, with its own feedback for the compiler.
    return import(`data:text/javascript,${encodeURIComponent(`${text}\n// ${name}, ${label}`)}`);
  };
}

/** Buffers that the word view has not seen last: enough of them that none is the one before. */
function freshBuffers(size) {
  return Array.from({ length: 64 }, () => new Uint8Array(size + 16));
}

/** A run of so many calls over these buffers, in milliseconds. */
function runner(mask, size, buffers) {
  let key = 0x1b2c3d4e;
  let seen = 0;
  return (calls) => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) {
      const bytes = buffers[i % buffers.length];
      const at = i % OFFSETS;
      seen |= mask(bytes, at, at + size, key);
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

const { mask: loop, simd } = MODULES;
const ways = [
  ['bytes', 'byte loop', (await loop.variant('Infinity', 'bytes')).maskInPlace],
  ['same', 'words, same', (await loop.variant(8, 'words, same')).maskInPlace],
  ['fresh', 'words, fresh', (await loop.variant(8, 'words, fresh')).maskInPlace],
];
const inPage = await simd.variant(simd.current, 'page');
const throughScratch = await simd.variant(0, 'scratch');
// Without WebAssembly's SIMD there is nothing more to measure.
if (inPage.readPage.buffer.byteLength > inPage.readPage.length) {
  ways.push(['page', 'page', inPage.mask], ['scratch', 'scratch', throughScratch.mask]);
}

const rows = SIZES.map((size) => {
  const once = [new Uint8Array(size + 16)];
  const memories = { fresh: freshBuffers(size), page: [inPage.readPage] };
  const times = nanosecondsPerCall(ways.map(([id, , mask]) => runner(mask, size, memories[id] ?? once)));
  return { size, ...Object.fromEntries(times.map((time, i) => [ways[i][0], time])) };
});

const pad = (value, width) => String(value).padStart(width);
console.log(
  `Masking, ns a call, best of ${ROUNDS} rounds, node ${process.version}; WORDS_FROM is ${loop.current}, SCRATCH_FROM ${simd.current}\n`,
);
console.log(`  bytes |${ways.map(([, title]) => pad(title, 13)).join(' |')}`);
for (const row of rows) {
  console.log(`${pad(row.size, 7)} |${ways.map(([id]) => pad(row[id].toFixed(1), 13)).join(' |')}`);
}
console.log();

/** The size from which one way is quicker than the other, and stays so for the next size. */
function paysFrom(quicker, slower) {
  const from = rows.find((row, i) => {
    const next = rows[i + 1] ?? row;
    return row[quicker] <= row[slower] && next[quicker] <= next[slower];
  });
  return from?.size ?? 'no';
}
console.log(`in the same buffer words pay from ${paysFrom('same', 'bytes')} bytes up`);
console.log(`in a fresh buffer words pay from ${paysFrom('fresh', 'bytes')} bytes up`);
if (rows[0].scratch !== undefined) {
  console.log(`in the same buffer the way through the scratch page pays from ${paysFrom('scratch', 'same')} bytes up`);
  console.log(`in a fresh buffer it pays from ${paysFrom('scratch', 'fresh')} bytes up`);
}
