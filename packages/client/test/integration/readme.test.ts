// What the README and the guide show runs as it stands, but for the address.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serve } from '../support/site.ts';

const PACKAGE = new URL('../../../', import.meta.url);

async function blocks(file: string): Promise<string[]> {
  const text = await readFile(new URL(file, PACKAGE), 'utf8');
  return [...text.matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code!);
}

/** Runs code until it has said something, and returns that. */
async function run(code: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: fileURLToPath(PACKAGE) });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  const [said] = (await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => assert.fail(`it said nothing: ${errors}`)),
  ])) as [Buffer];
  child.kill();
  return String(said);
}

for (const file of ['README.md', '../../docs/guide/browser-client.md']) {
  test(`${file} runs`, async (t) => {
    const cleanup: (() => void)[] = [];
    // Before the site, which ends what is registered first.
    t.after(() => cleanup.forEach((end) => end()));
    const site = await serve(t);
    const timer = setInterval(() => void site.hub.channel('prices').publish(1), 50);
    cleanup.push(() => clearInterval(timer));
    const all = await blocks(file);
    assert(all.length > 0);
    const said = await Promise.all(all.map((code) => run(code.replaceAll('localhost:8080', new URL(site.url).host))));
    for (const text of said) assert.notEqual(text.trim(), '');
  });
}
