// Shows that the import rules are really looked at. It copies the sources of @pulsebeacon/websocket aside, checks that
// the compiler and the linter accept them as they are, then plants one offence at a time and checks that it is refused,
// by each tool that is to refuse it, for the right reason.
import './lib/node-version.mjs';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensure } from './ensure.mjs';
import { Failure, filesBelow, main, ROOT, resolve, runTool, say, seconds } from './lib/project.mjs';

const SRC = 'packages/websocket/src';
const TARGET = 'export const target: number = 1;\n';
const use = (specifier) => `import { target } from '${specifier}';\nexport const planted: number = target;\n`;

/** `tsc` and `oxlint` are what the tool must say; a tool that is not named may let the offence pass. */
const OFFENCES = [
  ...['protocol', 'handshake'].flatMap((folder) => [
    {
      name: `${folder} imports node:buffer`,
      files: {
        [`${folder}/planted.ts`]: "import { isUtf8 } from 'node:buffer';\nexport const planted: unknown = isUtf8;\n",
      },
      tsc: /TS2591|TS2307/,
      oxlint: /no-restricted-imports/,
    },
    ...['Buffer', 'process', 'setTimeout', 'console', 'TextDecoder', 'crypto'].map((name) => ({
      name: `${folder} uses ${name}`,
      files: { [`${folder}/planted.ts`]: `export const planted: unknown = ${name};\n` },
      tsc: /TS2591|TS2304|TS2584/,
      oxlint: /no-restricted-globals/,
    })),
    ...['Date', 'globalThis'].map((name) => ({
      name: `${folder} uses ${name}`,
      files: { [`${folder}/planted.ts`]: `export const planted: unknown = ${name};\n` },
      oxlint: /no-restricted-globals/,
    })),
    {
      name: `${folder} uses Math.random`,
      files: { [`${folder}/planted.ts`]: 'export const planted: number = Math.random();\n' },
      oxlint: /no-restricted-properties/,
    },
  ]),
  ...[
    ['protocol', 'handshake'],
    ['protocol', 'connection'],
    ['protocol', 'node'],
    ['handshake', 'connection'],
    ['handshake', 'node'],
    ['connection', 'handshake'],
    ['connection', 'node'],
  ].map(([from, to]) => ({
    name: `${from} imports ${to}`,
    files: { [`${to}/target.ts`]: TARGET, [`${from}/planted.ts`]: use(`../${to}/target.ts`) },
    tsc: /TS6307|TS6059/,
    oxlint: /no-restricted-imports/,
  })),
  {
    name: 'connection imports node:net',
    files: { 'connection/planted.ts': "export type { Socket } from 'node:net';\n" },
    oxlint: /no-restricted-imports/,
  },
  {
    name: 'node imports a package of others',
    files: { 'node/planted.ts': "import { WebSocket } from 'ws';\nexport const planted: unknown = WebSocket;\n" },
    oxlint: /no-restricted-imports/,
  },
  {
    name: 'a private part of Node is touched outside the file for it',
    files: { 'node/planted.ts': 'export const planted = (socket: { _handle: unknown }): unknown => socket._handle;\n' },
    oxlint: /no-underscore-dangle/,
  },
  {
    name: 'two modules import each other',
    files: {
      'protocol/planted.ts': "import { b } from './target.ts';\nexport const a = (): unknown => b;\n",
      'protocol/target.ts': "import { a } from './planted.ts';\nexport const b = (): unknown => a;\n",
    },
    oxlint: /no-cycle/,
  },
  {
    name: 'a default export',
    files: { 'protocol/planted.ts': 'const planted: number = 1;\nexport default planted;\n' },
    oxlint: /no-default-export/,
  },
  {
    name: 'an enum',
    files: { 'protocol/planted.ts': 'export enum Planted {\n  One,\n}\n' },
    tsc: /TS1294/,
  },
  {
    name: 'an export without its type',
    files: { 'protocol/planted.ts': 'export const planted = Math.max(1, 2);\n' },
    tsc: /TS9010/,
  },
];

/** A copy of what the rules apply to, with the rules themselves and the tools. */
function copyAside() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pulsebeacon-boundaries-'));
  const files = ['package.json', 'tsconfig.base.json', '.oxlintrc.json', 'packages/websocket/package.json'];
  for (const file of [...files, ...filesBelow(resolve(SRC)).map((name) => path.join(SRC, name))]) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.copyFileSync(resolve(file), path.join(folder, file));
  }
  fs.symlinkSync(resolve('node_modules'), path.join(folder, 'node_modules'), 'junction');
  return folder;
}

const compile = (folder) => runTool('typescript', ['-b', SRC], { command: 'tsc', cwd: folder, stdio: 'pipe' });
const lint = (folder) => runTool('oxlint', ['--format=unix', SRC], { cwd: folder, stdio: 'pipe' });

function judge(tool, { code, stdout, stderr }, expected) {
  if (expected === undefined) return undefined;
  const output = stdout + stderr;
  if (code === 0) return `${tool} accepts it`;
  if (!expected.test(output)) return `${tool} refuses it, but not for ${expected}:\n${output}`;
  return undefined;
}

async function plant(folder, { files, tsc, oxlint }) {
  for (const [name, text] of Object.entries(files))
    fs.writeFileSync(path.join(folder, SRC, name), text, { flag: 'wx' });
  try {
    const [compiled, linted] = await Promise.all([tsc && compile(folder), oxlint && lint(folder)]);
    return [judge('tsc', compiled ?? {}, tsc), judge('oxlint', linted ?? {}, oxlint)].filter(Boolean);
  } finally {
    for (const name of Object.keys(files)) fs.rmSync(path.join(folder, SRC, name), { force: true });
  }
}

await main(async () => {
  await ensure({ build: 'none' });
  const start = performance.now();
  const folder = copyAside();
  try {
    for (const [tool, check] of Object.entries({ tsc: compile, oxlint: lint })) {
      const { code, stdout, stderr } = await check(folder);
      if (code !== 0) throw new Failure(`${tool} refuses the sources as they are:\n${stdout}${stderr}`);
    }
    const faults = [];
    for (const offence of OFFENCES) {
      for (const fault of await plant(folder, offence)) faults.push(`${offence.name}: ${fault}`);
    }
    if (faults.length > 0) throw new Failure(`the import rules are not held:\n${faults.join('\n')}`);
    say(
      `import rules hold in ${path.relative(ROOT, resolve(SRC))}; ${OFFENCES.length} planted offences were refused (${seconds(start)})`,
    );
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
