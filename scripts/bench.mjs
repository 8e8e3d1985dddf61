// npm run bench: builds, then runs the comparison in bench/ with the arguments after `--`.
import './lib/node-version.mjs';
import fs from 'node:fs';
import { ensure } from './ensure.mjs';
import { Failure, main, resolve, run } from './lib/project.mjs';

await main(async () => {
  await ensure({ build: 'products' });
  const program = resolve('bench/run.mjs');
  if (!fs.existsSync(program)) throw new Failure('bench/run.mjs is missing');
  const { code } = await run(process.execPath, [program, ...process.argv.slice(2)]);
  return code;
});
