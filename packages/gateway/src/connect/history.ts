import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Lines that are kept. */
const KEPT = 1000;

/** Where the user's programs keep what is worth keeping, and no configuration (XDG Base Directory Specification). */
export function historyFile(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): string {
  const { XDG_STATE_HOME: state = '', LOCALAPPDATA: local = '' } = env;
  // A relative path is invalid there, and to be ignored.
  if (path.isAbsolute(state)) return path.join(state, 'pulsebeacon', 'history');
  if (platform === 'win32' && local !== '') return path.join(local, 'pulsebeacon', 'history');
  return path.join(homedir(), '.local', 'state', 'pulsebeacon', 'history');
}

/** The lines that were typed, kept in a file that only its owner can read: they may hold secrets. */
export class History {
  private readonly file: string;
  /** Why nothing is kept; undefined as long as that works. */
  private failure: string | undefined;
  private isTold = false;

  constructor(file: string) {
    this.file = file;
  }

  /** The lines of earlier times, the newest first, as `node:readline` wants them. */
  load(): string[] {
    let lines: string[];
    try {
      lines = readFileSync(this.file, 'utf8').split('\n').filter(Boolean);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.failure = (error as Error).message;
      return [];
    }
    const kept = lines.slice(-KEPT);
    if (lines.length > 2 * KEPT) this.attempt(() => this.rewrite(kept));
    return kept.reverse();
  }

  /** Keeps a line. @returns why that does not work, once */
  add(line: string): string | undefined {
    if (this.failure === undefined && line.trim() !== '') {
      this.attempt(() => {
        mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
        appendFileSync(this.file, `${line}\n`, { mode: 0o600 });
      });
    }
    const { failure, isTold } = this;
    this.isTold = failure !== undefined;
    return isTold ? undefined : failure;
  }

  private rewrite(lines: readonly string[]): void {
    // In one step, for others may be adding to it.
    const fresh = `${this.file}.${process.pid}`;
    writeFileSync(fresh, `${lines.join('\n')}\n`, { mode: 0o600 });
    renameSync(fresh, this.file);
  }

  private attempt(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.failure = (error as Error).message;
    }
  }
}
