// Runs the real program as a child process, and reads its log.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../../bin/pulsebeacon.js', import.meta.url));

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface ListenerLine {
  readonly address?: string;
  readonly port?: number;
  readonly path?: string;
  readonly tls: boolean;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly cwd?: string;
  /** What comes from standard input. */
  readonly input?: string;
}

/** Starts the program, and leaves the rest to the test. */
export function launch(args: readonly string[], { env = {}, uid, cwd, input }: SpawnOptions = {}): ChildProcess {
  // Nothing of the environment in which the tests run may reach the program as an option.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('PULSEBEACON_'));
  // Nor may a server keep anything where the tests run, unless they say where.
  const memory = args[0] === 'serve' && !args.includes('--data') ? { PULSEBEACON_MEMORY: 'true' } : {};
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...Object.fromEntries(inherited), ...memory, ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
    ...(cwd === undefined ? {} : { cwd }),
  });
  // Who has seen enough need not read all of it.
  child.stdin?.on('error', () => {}).end(input);
  return child;
}

/** Runs the program to its end, which is to come by itself. */
export async function runProgram(args: readonly string[], options: SpawnOptions = {}): Promise<Outcome> {
  const child = launch(args, options);
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

/** `pulsebeacon serve`, running. */
export class Program {
  readonly lines: LogLine[] = [];
  readonly ended: Promise<Outcome>;
  private readonly child: ChildProcess;
  private readonly waiting = new Set<() => void>();
  private stdout = '';
  private stderr = '';

  private constructor(child: ChildProcess) {
    this.child = child;
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    createInterface(child.stdout!).on('line', (line) => {
      this.stdout += `${line}\n`;
      this.lines.push(JSON.parse(line) as LogLine);
      for (const look of this.waiting) look();
    });
    this.ended = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  /** Starts it, on a free port of 127.0.0.1 unless the options say where, and waits until it is ready. */
  static async start(args: readonly string[] = [], options: SpawnOptions = {}): Promise<Program> {
    const where = args.some((arg) => /^(--port|--host|--listen|-p|-l)$/.test(arg)) ? [] : ['--port', '0'];
    const program = new Program(launch(['serve', '--log-format', 'json', ...where, ...args], options));
    const ready = program.waitFor(({ event }) => event === 'ready');
    const early = program.ended.then(({ code, stderr }) => {
      throw new Error(`the program ended with ${code} before it was ready:\n${stderr}`);
    });
    early.catch(() => {});
    await Promise.race([ready, early]);
    return program;
  }

  get listeners(): readonly ListenerLine[] {
    return this.find(({ event }) => event === 'ready')!['listeners'] as readonly ListenerLine[];
  }

  /** Of its first listener. */
  get port(): number {
    return this.listeners[0]!.port!;
  }

  /** `http://127.0.0.1:port`, without slash at the end. */
  get base(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get socketBase(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  find(wanted: (line: LogLine) => boolean): LogLine | undefined {
    return this.lines.find(wanted);
  }

  /** The first line that is wanted: one that is there already, or the next one to come. */
  async waitFor(wanted: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = this.find(wanted);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.waiting.delete(look);
          resolve();
        };
        this.waiting.add(look);
      });
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Ends it as Ctrl-C would. */
  async stop(): Promise<Outcome> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGINT');
    return this.ended;
  }
}
