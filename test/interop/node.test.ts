import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Program } from '../support/program.ts';
import { inClone } from '../support/root.ts';
import { Site } from '../support/site.ts';

test("Node's own WebSocket", async (t) => {
  const site = await Site.start(t);
  // Node 20 has it behind a flag.
  const flags = 'WebSocket' in globalThis ? [] : ['--experimental-websocket', '--no-warnings'];
  const args = [...flags, inClone('test', 'interop', 'node', 'client.mjs'), site.socket('')];
  const { code, stdout, stderr } = await new Program(t, process.execPath, args).exit;
  assert.deepEqual([code, stderr], [0, '']);
  const seen = JSON.parse(stdout);
  assert.deepEqual(seen.told, { code: 4001, reason: 'bye', wasClean: true });
  assert.equal(seen.refused, '/private was refused');
  // It compresses nothing itself, and inflates what comes compressed.
  assert.equal(seen.extensions[0], '');
  assert.match(seen.extensions[1], /^permessage-deflate/);
  for (const path of ['/echo', '/deflate', '/takeover', '/fragments']) {
    assert.deepEqual(await site.ended(path), { code: 3001, reason: 'grüß dich', wasClean: true });
  }
});
