import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import type { Scope } from './cleanup.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that a test runs beside itself. It is ended with the scope, by its own pid. */
export class Program {
  readonly child: ChildProcess;
  /** Resolves when the program has ended and its output is complete. */
  readonly exit: Promise<Exit>;
  private stdout = '';
  private stderr = '';
  private waiting: (() => void)[] = [];

  constructor(scope: Scope, command: string, args: readonly string[], options: SpawnOptions = {}) {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.note('stdout', text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.note('stderr', text));
    this.exit = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        this.wake();
      });
    });
    this.exit.catch(() => {});
    scope.after(() => this.end());
  }

  /** Ends the program whatever it does: first as it may expect, so that it can end its own children too. */
  private async end(): Promise<void> {
    const { child } = this;
    if (this.hasExited || child.pid === undefined) return;
    const exited = once(child, 'exit');
    const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
    child.kill('SIGTERM');
    await exited;
    clearTimeout(timer);
  }

  get pid(): number {
    return this.child.pid!;
  }

  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Resolves with the first match in what the program has printed so far, or will print. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (match !== null) return match;
      if (this.hasExited) {
        throw new Error(`the program ended without printing ${String(pattern)}:\n${this.stdout}${this.stderr}`);
      }
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** Asks the program to end, and waits until it has. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.child.kill(signal);
    return await this.exit;
  }

  private note(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    this.wake();
  }

  private wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}
