// What the guide says of pulsebeacon connect: its command lines run, its exit codes are those of the program.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EXIT_CODES } from '#dist/connect/exit-codes.js';
import { folderFor } from './support/connect.ts';
import { Program } from './support/program.ts';

const BIN = fileURLToPath(new URL('../../bin/pulsebeacon.js', import.meta.url));
const guide = readFileSync(new URL('../../../../docs/guide/terminal.md', import.meta.url), 'utf8');
const section = guide.slice(guide.indexOf('\n## connect\n')).split(/\n## (?!connect)/)[0]!;
const blocks = Array.from(section.matchAll(/^```sh\n([^]*?)^```$/gm), ([, block]) => block!);
const commands = blocks.join('').split('\n').filter(Boolean);

describe('the guide', () => {
  let program: Program;
  before(async () => {
    program = await Program.start();
  });
  after(() => program?.stop());

  assert.ok(commands.length > 0);
  for (const command of commands) {
    it(`runs: ${command}`, async (t) => {
      const folder = folderFor(t);
      writeFileSync(path.join(folder, 'package.json'), '{}');
      // The port of 8080 may be taken, and the program is not installed.
      const script = `pulsebeacon() { "$NODE" "$BIN" "$@"; }\n${command.replace(':8080', `:${program.port}`)}`;
      const child = spawn('sh', ['-c', script], {
        cwd: folder,
        env: { ...process.env, NODE: process.execPath, BIN },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let stdout = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      const [code] = (await once(child, 'close')) as [number | null];
      assert.equal(code, 0);
      if (command.includes('answer.bin')) assert.equal(readFileSync(path.join(folder, 'answer.bin'), 'utf8'), '{}');
      else assert.notEqual(stdout, '');
    });
  }

  it('has the exit codes', () => {
    for (const [code, about] of EXIT_CODES) assert.ok(section.includes(`| ${code} | ${about} |`), `${code} ${about}`);
  });
});
