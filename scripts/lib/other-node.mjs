// Other versions of Node, from the npm package `node`; npm keeps them in its cache.
import fs from 'node:fs';
import path from 'node:path';
import { Failure, run, runNpm, say, seconds } from './project.mjs';

/** The path of a Node binary: for a path itself, for a version (22, 24.1.0) from the npm package `node`. */
export async function nodeBinary(wanted) {
  if (!/^\d+(\.\d+){0,2}$/.test(wanted)) {
    if (fs.existsSync(wanted)) return path.resolve(wanted);
    throw new Failure(`"${wanted}" is neither a version of Node nor the path of one`);
  }
  const start = performance.now();
  const print = ['node', '--print', 'process.execPath'];
  const { code, stdout, stderr } = await runNpm(
    ['exec', '--yes', '--loglevel=error', `--package=node@${wanted}`, '--', ...print],
    { stdio: 'pipe' },
  );
  const binary = stdout.trim().split('\n').pop();
  if (code !== 0 || !binary) throw new Failure(`npm could not fetch Node ${wanted}:\n${stdout}${stderr}`);
  // The binary and not its word: on a PATH that has another node first, npm exec would quietly run that one.
  const { stdout: version } = await run(binary, ['--version'], { stdio: 'pipe' });
  if (!`${version.trim().slice(1)}.`.startsWith(`${wanted}.`)) {
    throw new Failure(`npm gave Node ${version.trim()} where ${wanted} was asked for`);
  }
  if (performance.now() - start > 2000) say(`fetched Node ${version.trim()} in ${seconds(start)}`);
  return binary;
}
