import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LmdbBroker } from '@pulsebeacon/broker-lmdb';
import type { Publication } from '@pulsebeacon/wire';
import { temporaryFolder } from '../support/cleanup.ts';
import { Random } from '../support/random.ts';

const KILLS = 10;
const PUBLISHER = fileURLToPath(new URL('programs/lmdb-publisher.js', import.meta.url));
/** As the publisher has it. */
const IN_FLIGHT = 200;
const FEW = 50;

interface Acknowledged {
  readonly channel: string;
  readonly epoch: string;
  readonly offset: number;
  readonly text: string;
}

/** Lets the publisher run until it has printed so many receipts, and kills it. @returns the receipts, the last ones too */
async function publishAndKill(folder: string, round: number, receipts: number): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [PUBLISHER, folder, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const ledger: Acknowledged[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const [channel, epoch, offset, text] = line.split(' ') as [string, string, string, string];
      ledger.push({ channel, epoch, offset: Number(offset), text });
    }
    if (ledger.length >= receipts) child.kill('SIGKILL');
  });
  const [, signal] = await closed;
  assert.equal(signal, 'SIGKILL', 'the publisher ended by itself');
  return ledger;
}

const byOffset = (publications: readonly Publication[]): Map<number, string> =>
  new Map(publications.map(({ offset, data }) => [offset, data as string]));

/** @returns how many publications are there of which nobody had a receipt */
function checkChannel(broker: LmdbBroker, channel: string, receipts: readonly Acknowledged[], from: number): number {
  const { epoch } = receipts[0]!;
  const before = from === 0 ? 0 : receipts[from - 1]!.offset;
  const page = broker.history(channel, { since: { position: { epoch, offset: before } }, limit: 1_000_000 });
  assert.equal(page.complete, true, channel);
  const kept = byOffset(page.publications);
  assert.equal(kept.size, page.publications.length, 'no offset twice');
  assert.equal(new Set(kept.values()).size, kept.size, 'nothing twice');
  for (const { offset, text } of receipts.slice(from)) assert.equal(kept.get(offset), text, `${channel} ${offset}`);
  const order = page.publications.map(({ data }) => (data as string).split('.').map(Number) as [number, number]);
  const isOrdered = order.every(([round, number], i) => {
    const [roundBefore, numberBefore] = order[i - 1] ?? [-1, -1];
    return round > roundBefore || (round === roundBefore && number > numberBefore);
  });
  assert(isOrdered, `${channel} is in order`);
  return kept.size - (receipts.length - from);
}

function checkFew(broker: LmdbBroker, receipts: readonly Acknowledged[]): void {
  const { publications, top } = broker.history('few', { since: 'all', limit: 1000 });
  assert.equal(publications.length, Math.min(FEW, top.offset));
  const first = publications[0]!.offset;
  const kept = byOffset(publications);
  for (const { epoch, offset, text } of receipts.slice(-2 * FEW)) {
    if (offset >= first) assert.equal(kept.get(offset), text);
    const { complete } = broker.history('few', { since: { position: { epoch, offset } }, limit: 1 });
    assert.equal(complete, offset >= first - 1, `complete since ${offset}, where ${first} is the first`);
  }
}

/** Receipts by channel, in the order in which they were given. */
type Ledger = Map<string, Acknowledged[]>;

/** @param from how many receipts of each channel were checked before @returns publications without a receipt */
function check(broker: LmdbBroker, ledger: Ledger, from: (channel: string) => number): number {
  let unacknowledged = 0;
  for (const [channel, receipts] of ledger) {
    if (channel === 'few') checkFew(broker, receipts);
    else unacknowledged += checkChannel(broker, channel, receipts, from(channel));
  }
  return unacknowledged;
}

test('kill -9 in mid-publish, again and again: all that had a receipt is there, once and in order', async (t) => {
  const folder = await temporaryFolder(t);
  const random = new Random(41);
  const ledger: Ledger = new Map();
  const epochs = new Set<string>();
  let total = 0;
  const start = performance.now();
  for (let round = 0; round < KILLS; round++) {
    const checked = new Map([...ledger].map(([channel, { length }]) => [channel, length]));
    for (const receipt of await publishAndKill(folder, round, random.between(100, 1000))) {
      const own = ledger.get(receipt.channel) ?? [];
      ledger.set(receipt.channel, own);
      own.push(receipt);
      epochs.add(receipt.epoch);
      total++;
    }
    const broker = await LmdbBroker.open({ path: folder });
    check(broker, ledger, (channel) => checked.get(channel) ?? 0);
    await broker.close();
  }
  assert.equal(epochs.size, 1, 'the epoch is the same after each restart');
  const broker = await LmdbBroker.open({ path: folder });
  t.after(() => broker.close());
  const unacknowledged = check(broker, ledger, () => 0);
  assert(unacknowledged <= KILLS * IN_FLIGHT);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  t.diagnostic(
    `${KILLS} kills in ${seconds} s: ${total} publications had a receipt, and all are there, once and in order; ` +
      `${unacknowledged} more were kept whose receipts the kill cut off`,
  );
});
