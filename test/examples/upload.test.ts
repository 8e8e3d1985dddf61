import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/cleanup.ts';
import { Example } from '../support/example.ts';
import { Program } from '../support/program.ts';
import { frame, RawClient } from '../support/raw.ts';
import { inClone } from '../support/root.ts';

test('upload: a file goes through as one message, and comes to the disk as it was', async (t) => {
  const uploads = await temporaryFolder(t);
  const file = path.join(await temporaryFolder(t), 'file');
  const content = randomBytes(20_000_000);
  await writeFile(file, content);
  const server = await Example.start(t, 'upload/server.mjs', { UPLOADS: uploads });
  const send = async (what: string, url = server.socket('/upload')) => {
    const client = new Program(t, process.execPath, [inClone('examples/upload/client.mjs'), what, url]);
    return await client.exit;
  };

  const sent = await send(file);
  assert.deepEqual([sent.code, sent.stderr], [0, '']);
  const { name, size, sha256 } = JSON.parse(sent.stdout) as { name: string; size: number; sha256: string };
  assert.equal(size, content.length);
  assert.equal(sha256, createHash('sha256').update(content).digest('hex'));
  assert.ok(content.equals(await readFile(path.join(uploads, name))));

  // A client that is lost in the middle leaves nothing behind, and takes nobody with it.
  const lost = await RawClient.open(t, Number(new URL(server.url).port), '/upload');
  lost.write(frame(0x2, randomBytes(100_000), { fin: false }));
  lost.socket.destroy();
  await server.program.printed(/an upload was given up after \d+ bytes/);

  const nothing = await send(path.join(uploads, 'there is none'));
  assert.equal(nothing.code, 1);
  assert.match(nothing.stderr, /ENOENT/);
  const nobody = await send(file, 'ws://127.0.0.1:9/upload');
  assert.equal(nobody.code, 1);

  assert.deepEqual(await readdir(uploads), [name]);
  const { code } = await server.program.stop('SIGTERM');
  assert.equal(code, 0);
});
