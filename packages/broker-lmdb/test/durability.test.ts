// What is safe when, and for whom the data are.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type FsyncPolicy, LmdbBroker, StoreError } from '@pulsebeacon/broker-lmdb';
import type { PublishOptions, Receipt } from '@pulsebeacon/hub';
import * as lmdb from 'lmdb';
import { crashed, storeOf } from './support/crash.ts';
import { temporaryFolder } from './support/folder.ts';

const KEEP: PublishOptions = { retention: { size: 1000, ageMs: 60_000 }, idempotencyMs: 1000 };
/** MDB_NOSYNC, MDB_NOMETASYNC, and that commits are synced afterwards. */
const UNSYNCED = 0x10000 | 0x40000 | 0x1000;

/** Not in the types of lmdb. */
const { nativeAddon } = lmdb as unknown as { nativeAddon: { getEnvFlags(address: number): number } };

function publish(broker: LmdbBroker, data: string, channel = 'news', options = KEEP): Promise<Receipt> {
  return broker.publish(channel, { kind: 'text', contentType: 'text/plain', data }, options);
}

async function opened(t: TestContext, fsync: FsyncPolicy = 'grouped'): Promise<{ broker: LmdbBroker; folder: string }> {
  const folder = await temporaryFolder(t);
  const broker = await LmdbBroker.open({ path: folder, fsync });
  t.after(() => broker.close());
  return { broker, folder };
}

const texts = (broker: LmdbBroker): unknown[] =>
  broker.history('news', { since: 'all', limit: 10_000 }).publications.map(({ data }) => data);

/** Stands between the broker and the store: notes what is synced when, and holds a commit back until it is told. */
class Gate {
  readonly events: string[] = [];
  private open: (() => void)[] = [];
  private atGate: (() => void)[] = [];

  constructor(broker: LmdbBroker, notes: readonly string[]) {
    const store = storeOf(broker);
    const commit = store.commit.bind(store);
    store.commit = async (writes) => {
      this.events.push('commit');
      const opened = new Promise<void>((resolve) => this.open.push(resolve));
      for (const resolve of this.atGate.splice(0)) resolve();
      await opened;
      await commit(writes);
      this.events.push('synced', ...notes);
    };
  }

  async untilCommit(): Promise<void> {
    if (this.open.length === 0) await new Promise<void>((resolve) => this.atGate.push(resolve));
  }

  letThrough(): void {
    this.open.shift()!();
  }
}

for (const fsync of ['grouped', 'each'] as const) {
  test(`fsync ${fsync}: sinks are told, and receipts given, after the sync, in the order of the writes`, async (t) => {
    const { broker } = await opened(t, fsync);
    const gate = new Gate(broker, []);
    const note = (what: string) => () => void gate.events.push(what);
    broker.subscribe('news', { publication: ({ data }) => note(`told ${data as string}`)(), gap() {}, signal() {} });
    const both = [publish(broker, '1').then(note('receipt 1')), publish(broker, '2').then(note('receipt 2'))];
    await gate.untilCommit();
    // Asked for while the first is being written: not begun before that is synced.
    both.push(publish(broker, '3').then(note('receipt 3')));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(gate.events, ['commit']);
    assert.deepEqual(texts(broker), []);
    for (let commits = fsync === 'each' ? 3 : 2; commits > 0; commits--) {
      await gate.untilCommit();
      gate.letThrough();
    }
    await Promise.all(both);
    const one = (name: string): string[] => ['commit', 'synced', `told ${name}`, `receipt ${name}`];
    const grouped = ['commit', 'synced', 'told 1', 'told 2', 'receipt 1', 'receipt 2', ...one('3')];
    assert.deepEqual(gate.events, fsync === 'each' ? [...one('1'), ...one('2'), ...one('3')] : grouped);
  });

  test(`fsync ${fsync}: LMDB syncs within each commit`, async (t) => {
    const { broker } = await opened(t, fsync);
    const { root } = storeOf(broker) as unknown as { root: { env: { address: number } } };
    assert.equal(nativeAddon.getEnvFlags(root.env.address) & UNSYNCED, 0);
  });
}

test('a transaction that fails publishes nothing, and its offsets are given to what comes next', async (t) => {
  const { broker } = await opened(t);
  const heard: unknown[] = [];
  broker.subscribe('news', { publication: ({ data }) => heard.push(data), gap() {}, signal() {} });
  const first = await publish(broker, '1');
  const store = storeOf(broker);
  const commit = store.commit.bind(store);
  store.commit = () => Promise.reject(new StoreError('PB_STORE_FULL', 'no room'));
  const options = { ...KEEP, idempotencyKey: 'key' };
  const failed = await Promise.allSettled([
    publish(broker, '2', 'news', options),
    publish(broker, '3'),
    broker.claim('c', 1e6),
  ]);
  assert.deepEqual(
    failed.map((result) => result.status === 'rejected' && result.reason.code),
    ['PB_STORE_FULL', 'PB_STORE_FULL', 'PB_STORE_FULL'],
  );
  store.commit = commit;
  assert.deepEqual([heard, texts(broker)], [['1'], ['1']]);
  const next = await publish(broker, '4', 'news', options);
  assert.deepEqual([next.offset, next.duplicate, await broker.claim('c', 1e6)], [first.offset + 1, false, true]);
  assert.deepEqual(
    [heard, texts(broker)],
    [
      ['1', '4'],
      ['1', '4'],
    ],
  );
});

test('a second opening is refused, and says which folder and which process: this one, another, and none that is gone', async (t) => {
  const { broker, folder } = await opened(t);
  await assert.rejects(LmdbBroker.open({ path: folder }), {
    code: 'PB_STORE_IN_USE',
    message: `${folder} is in use by process ${process.pid}: stop it, or give this one a folder of its own`,
  });
  const program = `
    import { LmdbBroker } from '@pulsebeacon/broker-lmdb';
    try {
      await LmdbBroker.open({ path: process.argv[1] });
      console.log('opened');
      process.kill(process.pid, 'SIGKILL');
    } catch (error) {
      console.log(error.code, error.message);
    }`;
  const inAnother = (): Promise<string> =>
    new Promise((resolve) => {
      const args = ['--input-type=module', '-e', program, folder];
      execFile(process.execPath, args, { cwd: import.meta.dirname }, (_error, stdout) => resolve(stdout.trim()));
    });
  assert.match(await inAnother(), new RegExp(`^PB_STORE_IN_USE ${folder} is in use by process ${process.pid}: `));
  assert.deepEqual(texts(broker), []);
  await publish(broker, 'still here');
  await broker.close();
  assert.equal(await inAnother(), 'opened');
  const again = await LmdbBroker.open({ path: folder });
  assert.deepEqual(texts(again), ['still here']);
  await again.close();
});

test('the epoch changes where the machine ended before what had a receipt was on disk, and nowhere else', async (t) => {
  const folder = await temporaryFolder(t);
  const anotherBoot = (): void => {
    const root = lmdb.open<Buffer, Buffer>({
      path: path.join(folder, 'data.mdb'),
      noSubdir: true,
      maxDbs: 16,
      keyEncoding: 'binary',
      encoding: 'binary',
    });
    const meta = root.openDB<Buffer, Buffer>('meta', { keyEncoding: 'binary', encoding: 'binary' });
    const owner = JSON.parse(meta.get(Buffer.from('owner'))!.toString());
    meta.putSync(Buffer.from('owner'), Buffer.from(JSON.stringify({ ...owner, boot: 'another' })));
    void root.close();
  };
  const epochs: string[] = [];
  for (const [fsync, end] of [
    ['grouped', 'machine'],
    ['off', 'process'],
    ['off', 'clean'],
    ['off', 'machine'],
    ['grouped', 'clean'],
  ] as const) {
    const broker = await LmdbBroker.open({ path: folder, fsync });
    epochs.push((await publish(broker, fsync)).epoch);
    if (end === 'clean') await broker.close();
    else await crashed(broker);
    if (end === 'machine') anotherBoot();
  }
  const [first, , , , last] = epochs;
  assert.notEqual(first, last);
  assert.deepEqual(epochs, [first, first, first, first, last]);
});

test('what is not for us is refused, and says what to do', async (t) => {
  const garbage = await temporaryFolder(t);
  await writeFile(path.join(garbage, 'data.mdb'), Buffer.alloc(20_000, 7));
  await assert.rejects(LmdbBroker.open({ path: garbage }), { code: 'PB_STORE_CORRUPT', message: /backup/ });

  const cut = await opened(t);
  for (let i = 0; i < 50; i++) await publish(cut.broker, 'x'.repeat(5000));
  await cut.broker.close();
  await truncate(path.join(cut.folder, 'data.mdb'), 8192);
  await assert.rejects(LmdbBroker.open({ path: cut.folder }), { code: 'PB_STORE_CORRUPT', message: /not whole/ });

  const foreign = await temporaryFolder(t);
  const root = lmdb.open<string, string>({ path: path.join(foreign, 'data.mdb'), noSubdir: true });
  await root.put('somebody', 'else');
  await root.close();
  await assert.rejects(LmdbBroker.open({ path: foreign }), { code: 'PB_STORE_FOREIGN' });

  const newer = await opened(t);
  const store = storeOf(newer.broker);
  const { meta } = store as unknown as { meta: { putSync(key: Buffer, value: Buffer): void } };
  meta.putSync(Buffer.from('format'), Buffer.of(2));
  await newer.broker.close();
  await assert.rejects(LmdbBroker.open({ path: newer.folder }), { code: 'PB_STORE_NEWER', message: /form 2.*up to 1/ });
});

test('a folder that cannot be made or written is refused', async (t) => {
  const folder = await temporaryFolder(t);
  const file = path.join(folder, 'file');
  await writeFile(file, '');
  await assert.rejects(LmdbBroker.open({ path: path.join(file, 'below') }), { code: 'PB_STORE_FOLDER' });
  if (process.getuid?.() === 0) return;
  await chmod(folder, 0o500);
  await assert.rejects(LmdbBroker.open({ path: folder }), { code: 'PB_STORE_FOLDER', message: /writable/ });
});

test('options that cannot be are refused', async (t) => {
  const path = await temporaryFolder(t);
  for (const options of [{ fsync: 'sometimes' as 'off' }, { mapSize: -1 }, { cacheBytes: Number.NaN }]) {
    await assert.rejects(LmdbBroker.open({ path, ...options }), { code: 'PB_STORE_OPTION' });
  }
});

test('after close nothing can be published', async (t) => {
  const { broker } = await opened(t);
  const pending = publish(broker, 'written before the end');
  await broker.close();
  assert.equal((await pending).duplicate, false);
  await assert.rejects(publish(broker, 'too late'), { code: 'PB_STORE_CLOSED' });
});

test('the map grows as it is needed', async (t) => {
  const path = await temporaryFolder(t);
  const broker = await LmdbBroker.open({ path, mapSize: 128 * 1024, cacheBytes: 0 });
  t.after(() => broker.close());
  await Promise.all(Array.from({ length: 300 }, (_, i) => publish(broker, String(i).padEnd(20_000))));
  assert.equal(texts(broker).length, 300);
});
