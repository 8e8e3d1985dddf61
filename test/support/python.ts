import assert from 'node:assert/strict';
import type { Scope } from './cleanup.ts';
import { found } from './environment.ts';
import { Program } from './program.ts';
import { inClone } from './root.ts';

/** Runs a scenario of interop/python/client.py to its end, and gives what it saw. */
export async function python(scope: Scope, scenario: string, ...args: string[]): Promise<Record<string, unknown>> {
  const file = inClone('test', 'interop', 'python', 'client.py');
  // -B: no compiled files beside the source.
  const program = new Program(scope, found('PULSEBEACON_PYTHON'), ['-B', file, scenario, ...args]);
  const { code, signal, stdout, stderr } = await program.exit;
  assert.deepEqual([code, signal], [0, null], `the scenario ${scenario} failed:\n${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}
