// npm start: installs and builds what is missing, then becomes `pulsebeacon serve` with the arguments after `--`.
import './lib/node-version.mjs';
import { pathToFileURL } from 'node:url';
import { ensure } from './ensure.mjs';
import { main, resolve } from './lib/project.mjs';

/**
 * npm hands SIGTERM to the shell between it and this process, which ends without a word to its child. So that nothing
 * is left behind, the end of the shell counts as SIGTERM here. (Ctrl-C reaches this process from the terminal.)
 */
function endWithNpm() {
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 250);
  timer.unref();
}

await main(async () => {
  await ensure({ build: 'products' });
  if (process.env.npm_lifecycle_event === 'start') endWithNpm();
  // The program runs in this very process: signals and the exit code need nobody to carry them.
  const program = resolve('packages/gateway/bin/pulsebeacon.js');
  process.argv = [process.execPath, program, 'serve', ...process.argv.slice(2)];
  await import(pathToFileURL(program).href);
});
