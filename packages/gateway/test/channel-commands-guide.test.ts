// What the guide says of publish and subscribe: its command lines run, its exit codes are those of the program.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PUBLISH_EXIT_CODES, SUBSCRIBE_EXIT_CODES } from '#dist/remote/exit-codes.js';
import { folderFor } from './support/connect.ts';
import { Program } from './support/program.ts';

const BIN = fileURLToPath(new URL('../../bin/pulsebeacon.js', import.meta.url));
const guide = readFileSync(new URL('../../../../docs/guide/terminal.md', import.meta.url), 'utf8');

for (const [name, codes] of [
  ['publish', PUBLISH_EXIT_CODES],
  ['subscribe', SUBSCRIBE_EXIT_CODES],
] as const) {
  const section = guide.slice(guide.indexOf(`\n## ${name}\n`)).split(/\n## /)[1]!;
  const blocks = Array.from(section.matchAll(/^```sh\n([^]*?)^```$/gm), ([, block]) => block!);

  describe(`the guide to ${name}`, () => {
    let program: Program;
    before(async () => {
      program = await Program.start(['--memory']);
      await fetch(`${program.base}/channels/news`, { method: 'POST', body: 'hello' });
    });
    after(() => program?.stop());

    assert.ok(blocks.length > 0);
    it('has command lines that run', async (t) => {
      const folder = folderFor(t);
      writeFileSync(path.join(folder, 'package.json'), '{}');
      // The program is not installed.
      const script = `set -e\npulsebeacon() { "$NODE" "$BIN" "$@"; }\n${blocks.join('')}`;
      const child = spawn('sh', ['-c', script], {
        cwd: folder,
        env: { ...process.env, NODE: process.execPath, BIN, PULSEBEACON_SERVER: program.base },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let stdout = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      const [code] = (await once(child, 'close')) as [number | null];
      assert.equal(code, 0);
      assert.notEqual(stdout, '');
    });

    it('has the exit codes', () => {
      for (const [code, about] of codes) assert.ok(section.includes(`| ${code} | ${about} |`), `${code} ${about}`);
    });
  });
}
