// Publishes into many channels as fast as the store takes it, and prints each receipt, until it is killed.
import { writeSync } from 'node:fs';
import { LmdbBroker } from '@pulsebeacon/broker-lmdb';
import type { PublishOptions } from '@pulsebeacon/hub';

const CHANNELS = 40;
const IN_FLIGHT = 200;
const KEEP_ALL: PublishOptions = { retention: { size: 1_000_000, ageMs: 3_600_000 }, idempotencyMs: 3_600_000 };
const KEEP_FEW: PublishOptions = { ...KEEP_ALL, retention: { size: 50, ageMs: 3_600_000 } };

const [folder, round] = process.argv.slice(2) as [string, string];
const broker = await LmdbBroker.open({ path: folder });
let next = 0;

async function publish(): Promise<never> {
  for (;;) {
    const number = next++;
    const isFew = number % CHANNELS === 0;
    const channel = isFew ? 'few' : `channel-${number % CHANNELS}`;
    const text = `${round}.${number}`;
    const options = { ...(isFew ? KEEP_FEW : KEEP_ALL), idempotencyKey: text };
    const publication = { kind: 'text', contentType: 'text/plain', data: text } as const;
    const { epoch, offset } = await broker.publish(channel, publication, options);
    // At once, and as a whole line: what has a receipt is in the ledger, or was in no ledger before the end.
    writeSync(1, `${channel} ${epoch} ${offset} ${text}\n`);
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, publish));
