// npm run format: writes every file as the formatter wants it.
import './lib/node-version.mjs';
import { ensure } from './ensure.mjs';
import { main, runTool } from './lib/project.mjs';

await main(async () => {
  await ensure({ build: 'none' });
  const { code } = await runTool('@biomejs/biome', ['format', '--write'], { command: 'biome' });
  return code;
});
