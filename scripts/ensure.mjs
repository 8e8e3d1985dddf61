// Installs and builds what is missing or out of date, and nothing else. Every other script begins with it; run by
// itself it prepares everything. The second time it only compares, which takes a fraction of a second.
import './lib/node-version.mjs';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleClient } from './lib/bundle.mjs';
import { BUILT_PAGES, buildPages, PAGES } from './lib/pages.mjs';
import { withLock } from './lib/lock.mjs';
import {
  CI,
  Failure,
  filesBelow,
  main,
  packageNames,
  resolve,
  run,
  runNpm,
  say,
  seconds,
  tool,
} from './lib/project.mjs';

const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));

/** As compiler settings are: with comments on lines of their own. */
const readJsonWithComments = (file) => JSON.parse(fs.readFileSync(file, 'utf8').replaceAll(/^\s*\/\/.*$/gm, ''));

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes down what it has installed in
 * node_modules/.package-lock.json, last of all, so an interrupted installation does not count.
 */
function installed() {
  if (!fs.existsSync(resolve('package-lock.json'))) return fs.existsSync(resolve('node_modules'));
  const record = resolve('node_modules', '.package-lock.json');
  if (!fs.existsSync(record)) return false;
  const wanted = readJson(resolve('package-lock.json')).packages;
  const present = readJson(record).packages;
  return Object.entries(wanted).every(([where, { version, optional, link }]) => {
    if (!where.includes('node_modules/')) return true;
    // What is optional is there for some platforms only.
    if (!present[where]) return optional === true;
    return (link || present[where].version === version) && fs.existsSync(resolve(where));
  });
}

async function install() {
  const locked = fs.existsSync(resolve('package-lock.json'));
  const command = locked ? 'ci' : 'install';
  say(`installing the development packages (npm ${command})`);
  const start = performance.now();
  const { code, stdout, stderr } = await runNpm([command, '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: 'pipe',
  });
  // What follows the blank line is npm's page of usage.
  if (code !== 0)
    throw new Failure(`npm ${command} failed:\n${`${stdout}${stderr}`.split(/\n(?:npm error)?\s*Clean install/)[0]}`);
  say(`installed in ${seconds(start)}`);
}

/** The folders that are read for each kind of build. */
function sourceFolders(kind) {
  const packages = packageNames();
  const products = [...packages.map((name) => `packages/${name}/src`), `${PAGES}/public`];
  return kind === 'products'
    ? products
    : [...products, ...packages.map((name) => `packages/${name}/test`), 'test', 'examples'];
}

/** A digest of everything that decides what the build gives: sources, compiler settings, versions of the tools. */
function sourcesDigest(kind) {
  const hash = createHash('sha256');
  const add = (file) => {
    hash.update(file).update('\0');
    hash.update(fs.readFileSync(resolve(file))).update('\0');
  };
  for (const file of fs.readdirSync(resolve()).sort()) {
    if (/^(tsconfig.*|package-lock)\.json$/.test(file)) add(file);
  }
  for (const file of ['scripts/lib/bundle.mjs', `${PAGES}/vite.config.js`]) add(file);
  for (const name of packageNames()) add(`packages/${name}/package.json`);
  for (const folder of sourceFolders(kind))
    for (const file of filesBelow(resolve(folder))) add(path.join(folder, file));
  return hash.digest('hex');
}

const isSource = (file) => /\.(ts|html)$/.test(file);

/** Where the build of a package is. */
const outputOf = (name) => (`packages/${name}` === PAGES ? BUILT_PAGES : resolve('packages', name, 'dist'));

const stampFile = (kind) => resolve('build', `stamp-${kind}`);

/** The packages that a kind of build makes: what only tests need is none of the products. */
function builtPackages(kind) {
  if (kind !== 'products') return packageNames();
  const { references } = readJsonWithComments(resolve('tsconfig.products.json'));
  const products = references.map(({ path: folder }) => folder.split('/')[1]);
  return [...products, path.basename(PAGES)];
}

/** Whether the last build of this kind saw these very sources, and its output is still there. */
function built(kind) {
  if (!fs.existsSync(stampFile(kind))) return false;
  const lost = (name) => filesBelow(resolve('packages', name, 'src')).some(isSource) && !fs.existsSync(outputOf(name));
  if (builtPackages(kind).some(lost)) return false;
  return fs.readFileSync(stampFile(kind), 'utf8') === sourcesDigest(kind);
}

/** Removes compiled files whose source is gone: a deleted test must not run, a deleted module must not ship. */
function prune() {
  const pairs = packageNames().flatMap((name) => [
    [`packages/${name}/src`, `packages/${name}/dist`],
    [`packages/${name}/test`, `packages/${name}/build/test`],
  ]);
  for (const [source, output] of [...pairs, ['test', 'build/test']]) {
    for (const file of filesBelow(resolve(output))) {
      const stem = /^(.*)\.(js|js\.map|d\.ts)$/.exec(file)?.[1];
      if (stem && !fs.existsSync(resolve(source, `${stem}.ts`))) fs.rmSync(resolve(output, file));
    }
  }
}

async function compile(kind) {
  say(kind === 'products' ? 'building' : 'building, tests included');
  const start = performance.now();
  // Taken before the compiler reads: a file saved meanwhile makes the next build, not a wrong stamp.
  const digests = { products: sourcesDigest('products'), ...(kind === 'all' && { all: sourcesDigest('all') }) };
  const config = kind === 'products' ? 'tsconfig.products.json' : 'tsconfig.json';
  const { code } = await run(process.execPath, [tool('typescript', 'tsc'), '-b', resolve(config)]);
  if (code !== 0) throw new Failure('the build failed; the compiler says why above');
  await bundleClient();
  await buildPages();
  prune();
  for (const [name, digest] of Object.entries(digests)) fs.writeFileSync(stampFile(name), digest);
  say(`built in ${seconds(start)}`);
}

/**
 * Makes sure that the development packages are installed and, unless `build` is 'none', that the build is current:
 * 'products' is what ships, 'all' has the tests too.
 */
export async function ensure({ build = 'all', force = false } = {}) {
  const ready = () => installed() && (build === 'none' || built(build));
  if (!force && ready()) return;
  await withLock(async () => {
    if (!installed()) await install();
    if (build !== 'none' && (force || !built(build))) await compile(build);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    await ensure();
    if (!CI) say('everything is installed and built');
  });
}
