import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { ServerCounts, ServerOptions } from '@pulsebeacon/websocket';
import type { Answer, Question } from '../faults/programs/protocol.ts';
import type { Scope } from './cleanup.ts';
import { MemoryOf } from './memory-of.ts';

/** Flags of Node with which what is measured is what the server keeps, and not how much garbage the engine lets lie. */
export const LITTLE_GARBAGE: readonly string[] = ['--max-semi-space-size=1', '--expose-gc'];

/** The server of faults/programs/server.ts, in a process of its own. */
export class ServerProcess {
  readonly child: ChildProcess;
  private readonly memory: MemoryOf;
  port = 0;
  private stderr = '';
  private readonly open = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  private nextId = 1;

  private constructor(scope: Scope, execArgv: readonly string[]) {
    const program = new URL('../faults/programs/server.js', import.meta.url);
    this.child = fork(program, { execArgv: [...execArgv], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.memory = new MemoryOf(this.child.pid!);
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.child.on('message', (answer: Answer) => {
      this.open.get(answer.id)?.resolve(answer);
      this.open.delete(answer.id);
    });
    this.child.once('exit', (code, signal) => {
      const error = new Error(`the server ended with ${code ?? signal}:\n${this.stderr}`);
      for (const { reject } of this.open.values()) reject(error);
    });
    scope.after(async () => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return;
      this.child.kill('SIGKILL');
      await once(this.child, 'exit');
    });
  }

  static async start(
    scope: Scope,
    options: ServerOptions = {},
    execArgv: readonly string[] = [],
  ): Promise<ServerProcess> {
    const server = new ServerProcess(scope, execArgv);
    server.port = (await server.ask({ ask: 'listen', options })).port!;
    return server;
  }

  get pid(): number {
    return this.child.pid!;
  }

  socket(path: string): string {
    return `ws://127.0.0.1:${this.port}${path}`;
  }

  ask(question: Question): Promise<Answer> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.open.set(id, { resolve, reject });
      this.child.send({ id, question });
    });
  }

  async counts(): Promise<ServerCounts> {
    return (await this.ask({ ask: 'counts' })).counts!;
  }

  /** Waits until so many connections are open. */
  async untilOpen(count: number): Promise<void> {
    await this.ask({ ask: 'open', count });
  }

  /** Waits until so many connections have come to an end, of all that ever were. */
  async untilEnded(count: number): Promise<void> {
    await this.ask({ ask: 'ended', count });
  }

  /** The memory of the process in bytes, now. */
  residentBytes(): Promise<number> {
    return this.memory.resident();
  }

  /** The most memory that the process had since {@link forgetPeak}, in bytes. */
  peakBytes(): Promise<number> {
    return this.memory.peak();
  }

  forgetPeak(): Promise<void> {
    return this.memory.forgetPeak();
  }

  /** Ends the process. It must have survived so far, and have nothing to complain of. */
  async stop(): Promise<void> {
    assert.equal(this.child.exitCode, null);
    await this.ask({ ask: 'close' });
    this.child.kill('SIGTERM');
    const [code, signal] = await once(this.child, 'exit');
    assert.deepEqual([code, signal, this.stderr], [0, null, '']);
  }
}
