// npm run lint: the linter and the formatter's check. `npm run lint -- --fix` repairs what can be repaired.
import './lib/node-version.mjs';
import { ensure } from './ensure.mjs';
import { main, runTool } from './lib/project.mjs';

await main(async () => {
  await ensure({ build: 'none' });
  const fix = process.argv.includes('--fix');
  const linted = await runTool('oxlint', [
    '--deny-warnings',
    '--report-unused-disable-directives',
    ...(fix ? ['--fix'] : []),
  ]);
  const formatted = await runTool('@biomejs/biome', ['format', ...(fix ? ['--write'] : [])], { command: 'biome' });
  return linted.code || formatted.code;
});
