// What all scripts share: where the project is, how to speak, how to run something.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import util from 'node:util';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** True on a build server, where whatever is missing is a failure and not a remark. */
export const CI = process.env.CI === 'true' || process.env.CI === '1';

export const resolve = (...parts) => path.join(ROOT, ...parts);

/** A path as people write it: relative to the project, with slashes. */
export const relative = (file) => path.relative(ROOT, file).split(path.sep).join('/');

export const say = (sentence) => process.stderr.write(`pulsebeacon: ${sentence}\n`);

export const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** A failure that the person at the terminal can act upon: printed as a sentence, without a stack. */
export class Failure extends Error {}

/** Runs a script's main function: a Failure becomes a sentence and exit code 1; anything else is a fault of ours. */
export async function main(work) {
  try {
    const code = await work();
    if (typeof code === 'number') process.exitCode = code;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}

/** The options and other words after `--`; a wrong one is a sentence. `--help` prints the text and gives undefined. */
export function parseArguments(options, help) {
  try {
    const all = { ...options, help: { type: 'boolean', short: 'h', default: false } };
    const { values, positionals } = util.parseArgs({ allowPositionals: true, options: all });
    if (!values.help) return { options: values, words: positionals };
    console.log(help);
    return undefined;
  } catch (error) {
    throw error.code?.startsWith('ERR_PARSE_ARGS') ? new Failure(`${error.message} (--help lists the options)`) : error;
  }
}

/** Every file below a folder, as paths relative to that folder, sorted; nothing if the folder does not exist. */
export function filesBelow(folder, skip = new Set(['node_modules', 'dist', 'build', 'coverage', 'results'])) {
  const found = [];
  const visit = (inside) => {
    for (const entry of fs.readdirSync(path.join(folder, inside), { withFileTypes: true })) {
      const file = path.join(inside, entry.name);
      if (entry.isDirectory()) {
        if (!skip.has(entry.name)) visit(file);
      } else if (entry.isFile()) {
        found.push(file);
      }
    }
  };
  if (fs.existsSync(folder)) visit('');
  return found.sort();
}

/** The names of the folders in packages/. */
export function packageNames() {
  return fs
    .readdirSync(resolve('packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && fs.existsSync(resolve('packages', entry.name, 'package.json')))
    .map((entry) => entry.name)
    .sort();
}

/**
 * Runs a program to its end and resolves to { code, signal, stdout, stderr }.
 * With `stdio: 'inherit'` (the default) its output goes to the terminal; with 'pipe' it is returned.
 * SIGINT reaches a child from the terminal by itself; SIGTERM and SIGHUP, which reach this process alone, are passed on.
 */
export function run(command, args, { stdio = 'inherit', cwd = ROOT, env = process.env, timeout } = {}) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', stdio, stdio], timeout, killSignal: 'SIGKILL' });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text) => (stderr += text));
    const passOn = (signal) => child.kill(signal);
    process.on('SIGTERM', passOn).on('SIGHUP', passOn);
    const settle = () => process.off('SIGTERM', passOn).off('SIGHUP', passOn);
    child.once('error', (error) => {
      settle();
      failed(error);
    });
    child.once('close', (code, signal) => {
      settle();
      done({ code: code ?? 1, signal, stdout, stderr });
    });
  });
}

/** The npm that started this script, or else the one on the PATH: a command and its first arguments. */
export function npm() {
  const script = process.env.npm_execpath;
  if (script?.endsWith('.js') && fs.existsSync(script)) return [process.execPath, [script]];
  return process.platform === 'win32' ? [process.env.ComSpec ?? 'cmd.exe', ['/d', '/s', '/c', 'npm']] : ['npm', []];
}

export async function runNpm(args, options) {
  const [command, first] = npm();
  return run(command, [...first, ...args], options);
}

/**
 * The script behind a development tool's command, to be run with this very Node: no shell, no npx.
 * Throws if the tool is not installed.
 */
export function tool(packageName, command = packageName) {
  const folder = resolve('node_modules', packageName);
  const { bin } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  return path.join(folder, typeof bin === 'string' ? bin : bin[command]);
}

export const runTool = (packageName, args, options = {}) =>
  run(process.execPath, [tool(packageName, options.command), ...args], options);
