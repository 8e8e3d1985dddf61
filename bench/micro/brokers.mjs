// What a publication costs the brokers that run in the hub's process: 64 bytes, one sink, 300 kept.
//
//   node bench/micro/brokers.mjs
//
// The memory broker publishes one after the other. LMDB has so many publications in flight at a time, in one channel and
// spread over many.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const SECONDS = 2;
const PUBLICATION = { kind: 'text', contentType: 'text/plain; charset=utf-8', data: 'x'.repeat(64) };
const OPTIONS = { retention: { size: 300, ageMs: 300_000 }, idempotencyMs: 300_000 };
const LMDB = [
  { fsync: 'grouped', inFlight: 1, channels: 1 },
  { fsync: 'grouped', inFlight: 64, channels: 1 },
  { fsync: 'grouped', inFlight: 300, channels: 1 },
  { fsync: 'grouped', inFlight: 300, channels: 300 },
  { fsync: 'grouped', inFlight: 1000, channels: 1 },
  { fsync: 'each', inFlight: 300, channels: 1 },
  { fsync: 'off', inFlight: 300, channels: 1 },
  { fsync: 'off', inFlight: 300, channels: 300 },
];

const load = (name) =>
  import(new URL(`../../packages/${name}/dist/index.js`, import.meta.url)).catch((error) => {
    console.error(`Build first: npm run build (${error.message})`);
    process.exit(1);
  });
const { MemoryBroker } = await load('hub');
const { LmdbBroker } = await load('broker-lmdb');

function follow(broker, channels) {
  const sink = { heard: 0, publication: () => void sink.heard++, gap() {}, signal() {} };
  for (let i = 0; i < channels; i++) broker.subscribe(`channel-${i}`, sink);
  return sink;
}

function row(name, count, milliseconds, sink) {
  if (sink.heard !== count) throw new Error(`${name}: ${count} publications, ${sink.heard} deliveries`);
  const perSecond = Math.round((count / milliseconds) * 1000).toLocaleString('en');
  console.log(`${name.padEnd(44)} ${perSecond.padStart(10)} a second ${((milliseconds * 1000) / count).toFixed(2)} µs`);
}

function memory(channels) {
  const broker = new MemoryBroker();
  const sink = follow(broker, channels);
  const names = Array.from({ length: channels }, (_, i) => `channel-${i}`);
  let count = 0;
  const start = performance.now();
  while (performance.now() < start + SECONDS * 1000) {
    for (let i = 0; i < 1000; i++) broker.publish(names[count++ % channels], PUBLICATION, OPTIONS);
  }
  row(`memory, ${channels} channels`, count, performance.now() - start, sink);
}

async function lmdb({ fsync, inFlight, channels }) {
  const folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-bench-'));
  const broker = await LmdbBroker.open({ path: folder, fsync });
  const sink = follow(broker, channels);
  let count = 0;
  const start = performance.now();
  const publishers = Array.from({ length: inFlight }, async () => {
    while (performance.now() < start + SECONDS * 1000) {
      await broker.publish(`channel-${count++ % channels}`, PUBLICATION, OPTIONS);
    }
  });
  await Promise.all(publishers);
  row(`LMDB, ${fsync}, ${inFlight} in flight, ${channels} channels`, count, performance.now() - start, sink);
  await broker.close();
  await rm(folder, { recursive: true });
}

for (const channels of [1, 1000]) memory(channels);
for (const settings of LMDB) await lmdb(settings);
