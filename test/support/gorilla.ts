import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Scope } from './cleanup.ts';
import { found } from './environment.ts';
import { Program } from './program.ts';
import { inClone } from './root.ts';

const programs = new Map<string, Promise<string>>();

/** The program of a folder in interop/gorilla, compiled once. */
export function gorillaProgram(name: 'client' | 'server'): Promise<string> {
  let program = programs.get(name);
  if (program === undefined) programs.set(name, (program = compiled(name)));
  return program;
}

/** Compiles a program, unless this very source was compiled before. */
async function compiled(name: string): Promise<string> {
  const source = inClone('test', 'interop', 'gorilla', name, 'main.go');
  const go = found('PULSEBEACON_GO');
  const gopath = found('PULSEBEACON_GOPATH');
  const digest = createHash('sha256')
    .update(await readFile(source))
    .update(go)
    .update(gopath)
    .digest('hex');
  const folder = inClone('build', 'gorilla', name);
  const program = path.join(folder, digest.slice(0, 16));
  if (existsSync(program)) return program;
  await mkdir(folder, { recursive: true });
  for (const old of await readdir(folder)) if (old !== 'cache') await rm(path.join(folder, old), { force: true });
  const unfinished = `${program}.${process.pid}`;
  // Debian packages Go libraries for GOPATH; nothing comes from the network.
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: gopath, GOCACHE: path.join(folder, 'cache'), GOFLAGS: '' };
  await promisify(execFile)(go, ['build', '-o', unfinished, source], { env });
  await rename(unfinished, program);
  return program;
}

/** Runs a scenario of interop/gorilla/client to its end, and gives what it saw. */
export async function gorilla(scope: Scope, scenario: string, url: string): Promise<Record<string, unknown>> {
  const program = new Program(scope, await gorillaProgram('client'), [scenario, url]);
  const { code, signal, stdout, stderr } = await program.exit;
  assert.deepEqual([code, signal], [0, null], `the scenario ${scenario} failed:\n${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}
