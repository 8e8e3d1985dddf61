// alone: measures memory
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect, inflate, makeProvider, parameters, PATHS } from '../support/deflate.ts';
import { makeBomb, measure } from '../support/detonate.ts';

const MIB = 1024 * 1024;
const SLACK = 8 * MIB;

const skip = process.platform !== 'linux' && 'reads /proc';

const script = fileURLToPath(new URL('../support/detonate.js', import.meta.url));
const small = makeBomb(15);

for (const path of PATHS) {
  for (const keeps of ['none', 'takeover']) {
    for (const limit of [1, 16, 64]) {
      const name = `1 MiB that becomes 1 GiB is refused at ${limit} MiB, and takes no more than that`;
      test(`${name} (${path}, takeover: ${keeps})`, { skip }, () => {
        const output = execFileSync(process.execPath, [script, path, keeps, String(limit * MIB)], { encoding: 'utf8' });
        const { code, grown } = JSON.parse(output);
        assert.equal(code, 'PB_MESSAGE_TOO_BIG');
        assert.ok(grown <= limit * MIB + SLACK, `${grown} bytes more than before`);
        assert.ok(grown >= limit * MIB * 0.9, `${grown} bytes more than before: what was measured?`);
      });
    }
  }

  test(`16 KiB that become 15 MiB are refused at 1 MiB (${path})`, async () => {
    assert.ok(small.length < 16 * 1024);
    const { inflater } = connect(makeProvider(path).provider, parameters());
    assert.equal((await inflate(inflater, small, 15 * MIB)).message?.length, 15 * MIB);
    const { code, inline } = await inflate(inflater, small, MIB);
    assert.deepEqual([code, inline], ['PB_MESSAGE_TOO_BIG', false]);
  });

  test(`two thousand connections with a bomb each take memory for ten (${path})`, { skip }, async () => {
    const { provider, jobs } = makeProvider(path);
    const all = Array.from({ length: 2000 }, () => connect(provider, parameters()));
    const grown = measure();
    const results = all.map(({ inflater }) => inflate(inflater, small, MIB));
    assert.equal(jobs.waiting, 1990);
    for (const { code } of await Promise.all(results)) assert.equal(code, 'PB_MESSAGE_TOO_BIG');
    // 2,000 times 16 KiB that wait, ten messages, and what waits for its collection; 500 MiB if each kept a start.
    assert.ok(grown() < 160 * MIB, `${grown() / MIB} MiB more`);
  });
}
