import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/cleanup.ts';
import { Client } from '../support/client.ts';
import { Example } from '../support/example.ts';

const SIZE = 24 * 1024 * 1024;

test('backpressure.mjs: as fast as each client reads, and no faster', async (t) => {
  const file = path.join(await temporaryFolder(t), 'file');
  const content = randomBytes(SIZE);
  await writeFile(file, content);
  const example = await Example.start(t, 'backpressure.mjs', { FILE: file });

  const slow = await Client.open(t, example.socket('/file'));
  slow.socket.pause();
  const quick = await Client.open(t, example.socket('/file'));
  assert.deepEqual(await quick.closed, { code: 1000, reason: 'that was all' });
  assert.ok((await readAll(quick)).equals(content));

  // While one had the whole file, the other has taken what fits into the network, and little waits for it.
  const { size, queued } = (await (await example.get('/')).json()) as { size: number; queued: number[] };
  assert.equal(size, SIZE);
  assert.equal(queued.length, 1);
  assert.ok(queued[0]! > 0 && queued[0]! < 512 * 1024, `${queued[0]} bytes are queued`);

  slow.socket.resume();
  assert.deepEqual(await slow.closed, { code: 1000, reason: 'that was all' });
  assert.ok((await readAll(slow)).equals(content));

  // A client that leaves in the middle ends its download and nothing else.
  const leaving = await Client.open(t, example.socket('/file'));
  await leaving.next();
  leaving.socket.terminate();
  assert.equal((await example.get('/')).status, 200);
  await example.stop();
});

async function readAll(client: Client): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let length = 0; length < SIZE; ) {
    const part = (await client.next()) as Buffer;
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts);
}
