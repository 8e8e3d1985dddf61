import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { DEFAULT_LIMITS } from '@pulsebeacon/hub';

test('docs/reference/hub.md names every limit with its default, and no other', () => {
  const page = fs.readFileSync(new URL('../../../../../docs/reference/hub.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(([, name, value]) => [name, value]);
  const limits = Object.entries(DEFAULT_LIMITS).map(([name, value]) => [
    name,
    value === Infinity ? 'no limit' : value.toLocaleString('en-US'),
  ]);
  assert.deepEqual(rows, limits);
});
