// deploy/docker/Dockerfile, without Docker: what it copies is there, its commands are the project's, and what it starts runs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { temporaryFolder } from '../support/cleanup.ts';
import { Program } from '../support/program.ts';
import { inClone } from '../support/root.ts';

interface Instruction {
  readonly name: string;
  readonly text: string;
}

const file = readFileSync(inClone('deploy', 'docker', 'Dockerfile'), 'utf8');
const instructions = readInstructions(file);
const lastStage = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));
const ofLast = (name: string): string[] => lastStage.filter((one) => one.name === name).map(({ text }) => text);
const jsonOf = (name: string): string[] => JSON.parse(ofLast(name)[0]!) as string[];

/** Comments left out, continued lines joined. */
function readInstructions(text: string): Instruction[] {
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  return lines.filter(Boolean).map((line) => {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line)!;
    return { name, text: rest };
  });
}

/** The runtime stage as a folder: what it copies, where it copies it to. */
async function runtimeStage(t: TestContext): Promise<string> {
  const app = await temporaryFolder(t);
  const removed = instructions.flatMap(({ text }) => /rm -rf (.*)$/.exec(text)?.[1]?.split(' ') ?? []);
  const leftOut = removed.map((pattern) => path.basename(pattern));
  assert.deepEqual(
    removed,
    leftOut.map((name) => `packages/*/${name}`),
  );
  cpSync(inClone('packages'), path.join(app, 'packages'), {
    recursive: true,
    filter: (from) => {
      const [, second, ...deeper] = path.relative(inClone('packages'), from).split(path.sep);
      return deeper.length > 0 || second === undefined || !leftOut.includes(second);
    },
  });
  const modules = path.join(app, 'node_modules');
  mkdirSync(path.join(modules, '@pulsebeacon'), { recursive: true });
  for (const name of readdirSync(inClone('node_modules'))) {
    if (name !== '@pulsebeacon') symlinkSync(inClone('node_modules', name), path.join(modules, name));
  }
  for (const name of readdirSync(inClone('packages'))) {
    symlinkSync(path.join(app, 'packages', name), path.join(modules, '@pulsebeacon', name));
  }
  return app;
}

describe('the Dockerfile', () => {
  it('has instructions that Docker knows, stages that end in a slim image', () => {
    const known = /^(?:FROM|ENV|WORKDIR|COPY|RUN|USER|VOLUME|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD)$/;
    for (const { name } of instructions) assert.match(name, known);
    assert.match(lastStage[0]!.text, /^node:\d+-slim$/);
  });

  it('copies what is there', () => {
    for (const { text } of instructions.filter(({ name }) => name === 'COPY')) {
      const words = text.split(' ').filter((word) => !word.startsWith('--'));
      for (const from of words.slice(0, -1)) {
        assert.ok(existsSync(inClone(from.replace(/^\/src\//, ''))), from);
      }
    }
  });

  it('runs scripts of the project', () => {
    const { scripts } = JSON.parse(readFileSync(inClone('package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const used = Array.from(file.matchAll(/\bnpm run ([\w:-]+)/g), ([, name]) => name!);
    assert.deepEqual(used, ['build']);
    for (const name of used) assert.ok(name in scripts, name);
  });

  it('is not run by root, and keeps its data in a volume', () => {
    assert.deepEqual(ofLast('USER'), ['node']);
    assert.deepEqual(ofLast('VOLUME'), ['/data']);
    assert.match(ofLast('RUN').join(), /--owner=node .*\/data$/);
    assert.match(ofLast('ENV').join(), /PULSEBEACON_DATA=\/data\b/);
  });

  it('sends nothing to the builder that is made anew there', () => {
    const ignored = readFileSync(inClone('.dockerignore'), 'utf8').split('\n');
    for (const name of ['.git', '**/node_modules', '**/dist', '**/build', 'data'])
      assert.ok(ignored.includes(name), name);
  });

  it('starts a server on every address that the health check finds well, and SIGTERM ends it', async (t) => {
    const app = await runtimeStage(t);
    const given = Object.fromEntries(
      ofLast('ENV')[0]!
        .split(/\s+/)
        .map((pair) => pair.split('=') as [string, string]),
    );
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('PULSEBEACON_'));
    // A volume and a port of the test's own.
    const own = { PULSEBEACON_DATA: path.join(app, 'data'), PULSEBEACON_PORT: '0', PULSEBEACON_LOG_FORMAT: 'json' };
    const env = { ...Object.fromEntries(inherited), ...given, ...own };
    const [command, ...args] = [...jsonOf('ENTRYPOINT'), ...jsonOf('CMD')];
    assert.equal(command, 'node');
    const program = new Program(t, process.execPath, args, { cwd: app, env });
    const [, address, port] = await program.printed(/"event":"ready".*?"address":"([\d.]+)","port":(\d+)/);
    assert.equal(address, '0.0.0.0');
    // Whoever reads the log once may publish.
    await program.printed(/a key to publish with.*: pb_\w+/);

    const check = JSON.parse(/CMD (\[.*\])$/.exec(ofLast('HEALTHCHECK')[0]!)![1]!) as string[];
    const exposed = ofLast('EXPOSE')[0]!;
    const health = async (target: string): Promise<number | null> => {
      const [, ...words] = check.map((word) => word.replace(`:${exposed}/`, `:${target}/`));
      const [code] = (await once(spawn(process.execPath, words, { stdio: 'inherit' }), 'exit')) as [number | null];
      return code;
    };
    assert.equal(await health(port!), 0);
    assert.equal(await health('1'), 1);
    assert.equal((await program.stop('SIGTERM')).code, 0);
  });
});
