// Shows that the import rules are really looked at. It copies the sources that have such rules aside, checks that the
// compiler and the linter accept them as they are, then plants one offence at a time and checks that it is refused, by
// each tool that is to refuse it, for the right reason.
import './lib/node-version.mjs';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensure } from './ensure.mjs';
import { Failure, filesBelow, main, resolve, runTool, say, seconds } from './lib/project.mjs';

const WEBSOCKET = 'packages/websocket/src';
const WIRE = 'packages/wire/src';
const CLIENT = 'packages/client/src';
const HUB = 'packages/hub/src';
const BROKER = 'packages/broker-lmdb/src';
const GATEWAY = 'packages/gateway/src';
const DASHBOARD = 'packages/dashboard/src';
/** What others are built on is compiled in the copy, too: the rest would find the packages outside of it. */
const COMPILED = [WEBSOCKET, WIRE];
const ROOTS = [...COMPILED, CLIENT, HUB, BROKER, GATEWAY, DASHBOARD];

const TARGET = 'export const target: number = 1;\n';
const use = (specifier) => `import { target } from '${specifier}';\nexport const planted: number = target;\n`;

/** What a folder that is pure may not do; `file` is one in it. */
const impurities = (root, name, file) => [
  {
    root,
    name: `${name} imports node:buffer`,
    files: { [file]: "import { isUtf8 } from 'node:buffer';\nexport const planted: unknown = isUtf8;\n" },
    tsc: /TS2591|TS2307/,
    oxlint: /no-restricted-imports/,
  },
  ...['Buffer', 'process', 'setTimeout', 'console', 'TextDecoder', 'crypto'].map((global) => ({
    root,
    name: `${name} uses ${global}`,
    files: { [file]: `export const planted: unknown = ${global};\n` },
    tsc: /TS2591|TS2304|TS2584/,
    oxlint: /no-restricted-globals/,
  })),
  ...['Date', 'globalThis'].map((global) => ({
    root,
    name: `${name} uses ${global}`,
    files: { [file]: `export const planted: unknown = ${global};\n` },
    oxlint: /no-restricted-globals/,
  })),
  {
    root,
    name: `${name} uses Math.random`,
    files: { [file]: 'export const planted: number = Math.random();\n' },
    oxlint: /no-restricted-properties/,
  },
];

/** An import that the linter refuses. */
const foreign = (root, name, specifier, file = 'planted.ts') => ({
  root,
  name: `${name} imports ${specifier}`,
  files: { [file]: use(specifier) },
  oxlint: /no-restricted-imports/,
});

/**
 * `files` are below `root`; `tsc` and `oxlint` are what the tool must say; a tool that is not named may let the offence
 * pass.
 */
const OFFENCES = [
  ...impurities(WEBSOCKET, 'protocol', 'protocol/planted.ts'),
  ...impurities(WEBSOCKET, 'handshake', 'handshake/planted.ts'),
  ...impurities(WIRE, 'wire', 'planted.ts'),
  {
    root: WIRE,
    name: 'wire imports another package',
    files: {
      'planted.ts':
        "import { WebSocketServer } from '@pulsebeacon/websocket';\nexport const planted: unknown = WebSocketServer;\n",
    },
    oxlint: /no-restricted-imports/,
  },
  ...['node:buffer', 'ws', '@pulsebeacon/hub', '@pulsebeacon/websocket'].map((specifier) => ({
    root: CLIENT,
    name: `client imports ${specifier}`,
    files: { 'planted.ts': `export type * from '${specifier}';\n` },
    oxlint: /no-restricted-imports/,
  })),
  ...['document', 'WebSocket', 'fetch', 'Buffer', 'process', 'setTimeout'].map((global) => ({
    root: CLIENT,
    name: `client uses ${global} without declaring it`,
    files: { 'planted.ts': `export const planted: unknown = ${global};\n` },
    tsc: /TS2591|TS2304|TS2584|TS2580/,
  })),
  {
    root: WIRE,
    name: 'wire imports a source of another package',
    files: { 'planted.ts': "export { ERRORS } from '../../websocket/src/index.ts';\n" },
    tsc: /TS6307|TS6059/,
    oxlint: /no-restricted-imports/,
  },
  ...[
    ['protocol', 'handshake'],
    ['protocol', 'connection'],
    ['protocol', 'node'],
    ['handshake', 'connection'],
    ['handshake', 'node'],
    ['connection', 'handshake'],
    ['connection', 'node'],
  ].map(([from, to]) => ({
    root: WEBSOCKET,
    name: `${from} imports ${to}`,
    files: { [`${to}/target.ts`]: TARGET, [`${from}/planted.ts`]: use(`../${to}/target.ts`) },
    tsc: /TS6307|TS6059/,
    oxlint: /no-restricted-imports/,
  })),
  {
    root: WEBSOCKET,
    name: 'connection imports node:net',
    files: { 'connection/planted.ts': "export type { Socket } from 'node:net';\n" },
    oxlint: /no-restricted-imports/,
  },
  {
    root: WEBSOCKET,
    name: 'node imports a package of others',
    files: { 'node/planted.ts': "import { WebSocket } from 'ws';\nexport const planted: unknown = WebSocket;\n" },
    oxlint: /no-restricted-imports/,
  },
  foreign(WEBSOCKET, 'websocket', '@pulsebeacon/wire', 'node/planted.ts'),
  foreign(WEBSOCKET, 'websocket', '../../../hub/src/index.ts', 'node/planted.ts'),
  ...['@pulsebeacon/broker-lmdb', '@pulsebeacon/contracts', 'pulsebeacon', 'lmdb', '@hono/node-server'].map((name) =>
    foreign(HUB, 'hub', name),
  ),
  ...['@pulsebeacon/websocket', '@pulsebeacon/contracts', 'pulsebeacon'].map((name) =>
    foreign(BROKER, 'broker-lmdb', name),
  ),
  foreign(GATEWAY, 'gateway', '@pulsebeacon/contracts'),
  ...['node:fs', '@pulsebeacon/hub', '@pulsebeacon/contracts', 'pulsebeacon', '../../gateway/dist/gateway.js'].map(
    (name) => foreign(DASHBOARD, 'dashboard', name),
  ),
  ...Object.entries({ hub: HUB, 'broker-lmdb': BROKER, gateway: GATEWAY }).flatMap(([name, root]) => [
    foreign(root, name, '../../wire/src/index.ts'),
    foreign(root, name, '@pulsebeacon/wire/dist/index.js'),
    foreign(root, name, '../../wire/dist/index.js'),
  ]),
  {
    root: WEBSOCKET,
    name: 'a private part of Node is touched outside the file for it',
    files: { 'node/planted.ts': 'export const planted = (socket: { _handle: unknown }): unknown => socket._handle;\n' },
    oxlint: /no-underscore-dangle/,
  },
  {
    root: WEBSOCKET,
    name: 'two modules import each other',
    files: {
      'protocol/planted.ts': "import { b } from './target.ts';\nexport const a = (): unknown => b;\n",
      'protocol/target.ts': "import { a } from './planted.ts';\nexport const b = (): unknown => a;\n",
    },
    oxlint: /no-cycle/,
  },
  {
    root: WEBSOCKET,
    name: 'a default export',
    files: { 'protocol/planted.ts': 'const planted: number = 1;\nexport default planted;\n' },
    oxlint: /no-default-export/,
  },
  {
    root: WEBSOCKET,
    name: 'an enum',
    files: { 'protocol/planted.ts': 'export enum Planted {\n  One,\n}\n' },
    tsc: /TS1294/,
  },
  {
    root: WEBSOCKET,
    name: 'an export without its type',
    files: { 'protocol/planted.ts': 'export const planted = Math.max(1, 2);\n' },
    tsc: /TS9010/,
  },
];

/** A copy of what the rules apply to, with the rules themselves and the tools. */
function copyAside() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pulsebeacon-boundaries-'));
  const sources = ROOTS.flatMap((root) => [
    path.join(root, '../package.json'),
    ...filesBelow(resolve(root)).map((name) => path.join(root, name)),
  ]);
  for (const file of ['package.json', 'tsconfig.base.json', '.oxlintrc.json', ...sources]) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.copyFileSync(resolve(file), path.join(folder, file));
  }
  fs.symlinkSync(resolve('node_modules'), path.join(folder, 'node_modules'), 'junction');
  return folder;
}

const compile = (folder, root) => runTool('typescript', ['-b', root], { command: 'tsc', cwd: folder, stdio: 'pipe' });
const lint = (folder, root) => runTool('oxlint', ['--format=unix', root], { cwd: folder, stdio: 'pipe' });

function judge(tool, { code, stdout, stderr }, expected) {
  if (expected === undefined) return undefined;
  const output = stdout + stderr;
  if (code === 0) return `${tool} accepts it`;
  if (!expected.test(output)) return `${tool} refuses it, but not for ${expected}:\n${output}`;
  return undefined;
}

async function plant(folder, { root, files, tsc, oxlint }) {
  for (const [name, text] of Object.entries(files))
    fs.writeFileSync(path.join(folder, root, name), text, { flag: 'wx' });
  try {
    const [compiled, linted] = await Promise.all([tsc && compile(folder, root), oxlint && lint(folder, root)]);
    return [judge('tsc', compiled ?? {}, tsc), judge('oxlint', linted ?? {}, oxlint)].filter(Boolean);
  } finally {
    for (const name of Object.keys(files)) fs.rmSync(path.join(folder, root, name), { force: true });
  }
}

await main(async () => {
  await ensure({ build: 'none' });
  const start = performance.now();
  const folder = copyAside();
  try {
    for (const root of ROOTS) {
      const checks = COMPILED.includes(root) ? { tsc: compile, oxlint: lint } : { oxlint: lint };
      for (const [tool, check] of Object.entries(checks)) {
        const { code, stdout, stderr } = await check(folder, root);
        if (code !== 0) throw new Failure(`${tool} refuses ${root} as it is:\n${stdout}${stderr}`);
      }
    }
    const faults = [];
    for (const offence of OFFENCES) {
      for (const fault of await plant(folder, offence)) faults.push(`${offence.name}: ${fault}`);
    }
    if (faults.length > 0) throw new Failure(`the import rules are not held:\n${faults.join('\n')}`);
    say(
      `import rules hold in ${ROOTS.join(', ')}; ${OFFENCES.length} planted offences were refused (${seconds(start)})`,
    );
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
