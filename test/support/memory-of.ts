import { readFile, writeFile } from 'node:fs/promises';

/** The memory of another process, in bytes, as the system counts it. */
export class MemoryOf {
  private readonly folder: string;

  constructor(pid: number) {
    this.folder = `/proc/${pid}`;
  }

  /** Now. */
  resident(): Promise<number> {
    return this.read('VmRSS');
  }

  /** The most since {@link forgetPeak}. */
  peak(): Promise<number> {
    return this.read('VmHWM');
  }

  async forgetPeak(): Promise<void> {
    // proc(5): 5 resets the peak to what is resident now.
    await writeFile(`${this.folder}/clear_refs`, '5');
  }

  private async read(field: string): Promise<number> {
    const status = await readFile(`${this.folder}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)![1]) * 1024;
  }
}
