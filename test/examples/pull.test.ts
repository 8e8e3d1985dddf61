import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/cleanup.ts';
import { Client } from '../support/client.ts';
import { Example } from '../support/example.ts';

test('pull.mjs: uploads, one message at a time', async (t) => {
  const folder = await temporaryFolder(t);
  const example = await Example.start(t, 'pull.mjs', { UPLOADS: folder });

  const parts = Array.from({ length: 60 }, (_, i) => randomBytes(100_000 + i));
  const client = await Client.open(t, example.socket('/upload'));
  for (const part of parts) client.send(part);
  client.send('end');
  const { name, sha256 } = await client.nextJson();
  const sent = Buffer.concat(parts);
  assert.equal(sha256, createHash('sha256').update(sent).digest('hex'));
  assert.deepEqual(await readFile(path.join(folder, String(name))), sent);
  assert.deepEqual(await client.closed, { code: 1000, reason: '' });

  // A client that is lost in the middle does not take the program with it, nor is its part counted.
  const lost = await Client.open(t, example.socket('/upload'));
  lost.send(randomBytes(10));
  await new Promise<void>((resolve) => lost.socket.ping('', true, () => resolve()));
  lost.socket.terminate();
  const second = await Client.open(t, example.socket('/upload'));
  second.send('end');
  await second.closed;

  assert.deepEqual(await (await example.get('/')).json(), { websocket: '/upload', received: 2 });
  assert.equal((await readdir(folder)).length, 3);
  await example.stop();
});
