import { randomInt } from 'node:crypto';
import type { Scope } from './cleanup.ts';
import { isFree } from './listening.ts';
import { Program } from './program.ts';
import { inClone } from './root.ts';

/** `pulsebeacon serve` on one port of this machine, however often it is killed, and with the same data. */
export class KillableServer {
  port = 0;
  private readonly scope: Scope;
  private readonly args: readonly string[];
  private program: Program | undefined;
  private ready = Promise.resolve();

  /** @param args of `serve`, but for the port */
  constructor(scope: Scope, args: readonly string[]) {
    this.scope = scope;
    this.args = args;
  }

  /** Resolves once it serves, now or after the restart that is under way. */
  get isThere(): Promise<void> {
    return this.ready;
  }

  start(): Promise<void> {
    this.ready = this.choosePort().then(() => this.launch());
    return this.ready;
  }

  /** Below those that a system gives to whoever asks for any, who could be there while the server is dead. */
  private async choosePort(): Promise<void> {
    do this.port = randomInt(20_000, 30_000);
    while (!(await isFree(this.port)));
  }

  async killAndStart(): Promise<void> {
    const killed = this.program!.stop('SIGKILL');
    this.ready = killed.then(() => this.launch());
    await this.ready;
  }

  private async launch(): Promise<void> {
    const bin = inClone('packages/gateway/bin/pulsebeacon.js');
    const args = [bin, 'serve', '--port', String(this.port), '--log-format', 'json', ...this.args];
    this.program = new Program(this.scope, process.execPath, args);
    await this.program.printed(/"event":"ready"/);
  }
}
