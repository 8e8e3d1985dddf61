import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { test } from 'node:test';
import { ERRORS } from '@pulsebeacon/websocket';
import { WIRE_ERRORS } from '@pulsebeacon/wire';
import { list, ROOT } from './scripts.ts';

test('what is made from tables in the code says what they say', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/reference.mjs', '--check'], { cwd: ROOT });
  assert.equal(status, 0, String(stderr));
});

test('no two errors have the same code', () => {
  const codes = [...ERRORS.map(({ code }) => code as string), ...Object.keys(WIRE_ERRORS)];
  assert.deepEqual(codes, [...new Set(codes)]);
});

test('every code that the program has is in the reference', () => {
  const pages = list('docs/reference/*.md').map((file) => fs.readFileSync(`${ROOT}/${file}`, 'utf8'));
  for (const file of list('packages/gateway/src/*.ts')) {
    for (const [, code] of fs.readFileSync(`${ROOT}/${file}`, 'utf8').matchAll(/'(PB_[A-Z_]+[A-Z])'/g)) {
      const isThere = pages.some((page) => page.includes(`\`${code}`));
      assert.ok(isThere, `${code} of ${file}`);
    }
  }
});

test('docs/reference/limits.md names every limit with its default', async () => {
  const { WebSocketServer } = await import('@pulsebeacon/websocket');
  const page = fs.readFileSync(`${ROOT}/docs/reference/limits.md`, 'utf8');
  for (const [name, value] of Object.entries(new WebSocketServer().limits)) {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` |`));
    assert.ok(row, `${name} has a row`);
    if (typeof value === 'number' && value !== Infinity && name !== 'maxBufferedBytes') {
      assert.ok(row.includes(`| ${value.toLocaleString('en-US')} |`), `${row} has the default ${value}`);
    }
  }
});
