import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { StoreError } from './store-error.ts';

/** Where sockets may have longer paths than this, nobody says so (sun_path has 104 bytes on macOS, 108 on Linux). */
const LONGEST_PATH = 100;

/** Who has the store, as it is written in it. */
export interface Owner {
  readonly pid: number;
  /** Answers as long as the process lives. */
  readonly socket: string;
  /** Of the machine since it was started; empty where the system does not say. */
  readonly boot: string;
  /** Whether what has a receipt may not have been on disk yet. */
  readonly unsynced: boolean;
}

/**
 * The sign of life of the process that has a store: a socket on which it listens. The kernel takes it down with the
 * process, however that ends; nothing has to be believed about process ids, which are given again and are different
 * ones in each container.
 */
export class SignOfLife {
  readonly socket: string;
  private readonly server: net.Server;

  private constructor(socket: string, server: net.Server) {
    this.socket = socket;
    this.server = server;
  }

  static async give(folder: string): Promise<SignOfLife> {
    const name = `owner-${randomBytes(8).toString('hex')}.sock`;
    try {
      return await SignOfLife.listen(placeOf(folder, name));
    } catch {
      // Not every file system has sockets.
      return await SignOfLife.listen(placeOf(os.tmpdir(), `pulsebeacon-${name}`));
    }
  }

  private static async listen(socket: string): Promise<SignOfLife> {
    const server = net.createServer((connection) => connection.destroy());
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socket, resolve);
    });
    server.unref();
    return new SignOfLife(socket, server);
  }

  end(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

function placeOf(folder: string, name: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
  const inFolder = path.join(folder, name);
  return Buffer.byteLength(inFolder) <= LONGEST_PATH ? inFolder : path.join(os.tmpdir(), name);
}

/** @throws {StoreError} `PB_STORE_IN_USE` */
export async function refuseIfAlive(owner: Owner, folder: string): Promise<void> {
  if (await answers(owner.socket)) throw inUse(folder, owner.pid);
}

export function inUse(folder: string, pid: number): StoreError {
  const remedy = 'stop it, or give this one a folder of its own';
  return new StoreError('PB_STORE_IN_USE', `${folder} is in use by process ${pid}: ${remedy}`);
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect(socket);
    // Whatever else goes wrong, such as that this user may not ask, is no proof that nobody is there.
    connection.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'),
    );
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
  });
}

/** Removes what a process that was killed has left. */
export async function removeSocket(owner: Owner): Promise<void> {
  if (process.platform !== 'win32') await unlink(owner.socket).catch(() => {});
}

export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
