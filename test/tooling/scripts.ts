// The scripts are plain JavaScript that must run before anything is installed; these are the shapes they promise.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url));

/** The files of the repository that match. */
export const list = (...patterns: string[]): string[] =>
  execFileSync('git', ['ls-files', ...patterns], { cwd: ROOT, encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);

export interface Result {
  readonly source: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly { name: string; where?: string; error: string; output?: string }[];
  readonly skips: readonly string[];
  readonly notes: readonly string[];
}

export interface Test {
  readonly source: string;
  readonly compiled: string;
  readonly suite?: string;
  readonly alone?: boolean;
  readonly slow?: boolean;
}

export interface Runner {
  summariesOfFailures(results: readonly Result[]): string[];
  runFile(test: Test, options: { seconds: number; env: NodeJS.ProcessEnv }): Promise<Result>;
  runFiles(
    tests: readonly Test[],
    options: {
      atOnce: number;
      most?: (test: Test) => number;
      seconds: (test: Test) => number;
      onResult?: (result: Result, test: Test) => void;
      env: NodeJS.ProcessEnv;
    },
  ): Promise<readonly Result[]>;
}

export interface Suites {
  header(text: string, field: string): string | undefined;
}

const scriptUrl = (name: string): string => pathToFileURL(path.join(ROOT, 'scripts', name)).href;

export const runner: Runner = await import(scriptUrl('lib/runner.mjs'));
export const suites: Suites = await import(scriptUrl('lib/suites.mjs'));
