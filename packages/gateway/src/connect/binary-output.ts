import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../failure.ts';

/** Where binary messages are written to. */
export interface BinaryOutput {
  /** @returns the file that has it now @throws Failure where it cannot be written */
  write(message: Uint8Array): string;
  close(): void;
}

/**
 * A folder that exists gets each message as a file of its own; anything else is a file that gets them all, one after
 * the other.
 *
 * @throws Failure where the file cannot be written
 */
export function openBinaryOutput(where: string): BinaryOutput {
  return statSync(where, { throwIfNoEntry: false })?.isDirectory() ? new Folder(where) : new SingleFile(where);
}

class SingleFile implements BinaryOutput {
  private readonly file: string;
  private readonly descriptor: number;

  constructor(file: string) {
    this.file = file;
    this.descriptor = attempt(file, () => openSync(file, 'w'));
  }

  write(message: Uint8Array): string {
    attempt(this.file, () => writeWhole(this.descriptor, message));
    return this.file;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

class Folder implements BinaryOutput {
  private readonly folder: string;
  private count = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  write(message: Uint8Array): string {
    const [file, descriptor] = this.nextFile();
    try {
      attempt(file, () => writeWhole(descriptor, message));
    } finally {
      closeSync(descriptor);
    }
    return file;
  }

  close(): void {}

  /** Files that are there already, of an earlier time, are left alone. */
  private nextFile(): [string, number] {
    for (;;) {
      const file = path.join(this.folder, `message-${String(++this.count).padStart(6, '0')}.bin`);
      const descriptor = attempt(file, () => openNew(file));
      if (descriptor !== undefined) return [file, descriptor];
    }
  }
}

function openNew(file: string): number | undefined {
  try {
    return openSync(file, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}

function attempt<T>(file: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new Failure(`cannot write ${file}: ${(error as Error).message}`);
  }
}
