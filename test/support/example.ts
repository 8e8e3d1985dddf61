import assert from 'node:assert/strict';
import { inClone } from './root.ts';
import type { Scope } from './cleanup.ts';
import { type Exit, Program } from './program.ts';

/** A program of examples/, run as a reader would run it, on a free port. */
export class Example {
  readonly program: Program;
  /** Where it says that it is, without a slash at the end. */
  readonly url: string;

  private constructor(program: Program, url: string) {
    this.program = program;
    this.url = url;
  }

  static async start(scope: Scope, file: string, env: Readonly<Record<string, string>> = {}): Promise<Example> {
    const program = new Program(scope, process.execPath, [inClone('examples', file)], {
      env: { ...process.env, PORT: '0', ...env },
    });
    const [url] = await program.printed(/\b(?:https?|ws\+unix):\/\/[^\s]+/);
    return new Example(program, url.replace(/\/$/, ''));
  }

  /** The address of a WebSocket at a path of the program. */
  socket(path: string): string {
    return this.url.replace(/^http/, 'ws') + path;
  }

  get(path: string, init?: RequestInit): Promise<Response> {
    return fetch(this.url + path, init);
  }

  /** Ends the program as a service manager would. It must go by itself, and without a complaint. */
  async stop(): Promise<Exit> {
    const exit = await this.program.stop('SIGTERM');
    assert.deepEqual([exit.code, exit.signal, exit.stderr], [0, null, '']);
    return exit;
  }
}
