// A disk that takes no more: a limit on the size of files does the same to a process, without a disk of its own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { LmdbBroker } from '@pulsebeacon/broker-lmdb';
import { temporaryFolder } from './support/folder.ts';

const PROGRAM = `
  import { LmdbBroker } from '@pulsebeacon/broker-lmdb';
  const broker = await LmdbBroker.open({ path: process.argv[1] });
  const heard = [];
  broker.subscribe('news', { publication: ({ offset }) => heard.push(offset), gap() {}, signal() {} });
  const retention = { size: 10_000, ageMs: 600_000 };
  const publish = (data) =>
    broker.publish('news', { kind: 'text', contentType: 'text/plain', data }, { retention, idempotencyMs: 0 });
  let top = 0;
  let failure;
  while (failure === undefined) {
    const group = Array.from({ length: 5 }, () => publish('x'.repeat(20_000)));
    for (const result of await Promise.allSettled(group)) {
      if (result.status === 'fulfilled') top = result.value.offset;
      else failure = result.reason.code;
    }
  }
  const again = await publish('x'.repeat(200_000)).catch(({ code }) => code);
  const { publications } = broker.history('news', { since: 'all', limit: 10_000 });
  await broker.close();
  console.log(JSON.stringify({ failure, again, top, heard: heard.length, kept: publications.length }));
`;

test('a write that fails rejects what waited for it; the process lives, ends as ever, and what had a receipt is there', async (t) => {
  if (process.platform === 'win32') {
    t.skip('no limits on the size of files here');
    return;
  }
  const folder = await temporaryFolder(t);
  const printed = await new Promise<string>((resolve, reject) => {
    const args = [
      '-c',
      'ulimit -f 4000; exec "$0" --input-type=module -e "$1" "$2"',
      process.execPath,
      PROGRAM,
      folder,
    ];
    execFile('sh', args, { cwd: import.meta.dirname }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(`${error.message}${stderr}`)),
    );
  });
  const { failure, again, top, heard, kept } = JSON.parse(printed);
  assert.deepEqual([failure, again], ['PB_STORE_FAILED', 'PB_STORE_FAILED']);
  assert(top >= 5);
  assert.deepEqual([heard, kept], [top, top]);
  const broker = await LmdbBroker.open({ path: folder });
  t.after(() => broker.close());
  assert.equal(broker.history('news', { since: 'all', limit: 10_000 }).publications.length, top);
});
