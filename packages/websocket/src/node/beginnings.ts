import type { Socket } from 'node:net';

/** Why there is nothing to say of a beginning: the socket ended, or took too long. */
export type NoBeginning = 'ended' | 'late';

/** Node's own limit: what is longer would be no time at all. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Where there is no limit, those that somebody else has destroyed are looked for so often. */
const LOOK_EVERY_MS = 60_000;

/** Looks at what sockets begin with, before they belong to whoever serves them. */
export interface BeginningReader<T> {
  /** Milliseconds that a beginning may take; 0: no limit. */
  readonly timeout: number;
  /** @param seen everything that has come @returns undefined where that is not enough */
  read(seen: Buffer): T | undefined;
  /** The socket is the reader's, with nobody who listens to it; it flows. `seen` was taken out of it. */
  onBegun(socket: Socket, says: T, seen: Buffer): void;
  /** The socket is the reader's to destroy. */
  onNone(socket: Socket, why: NoBeginning): void;
}

/** The sockets of a server that have not begun: with listeners that they share, and one timer for all of them. */
export class Beginnings<T> {
  private readonly reader: BeginningReader<T>;
  /** When each came: the earliest is the first. */
  private readonly since = new Map<Socket, number>();
  /** What came of those whose first bytes were not enough. */
  private readonly parts = new Map<Socket, Buffer>();
  private timer: NodeJS.Timeout | undefined;
  private readonly onData: (this: Socket, chunk: Buffer) => void;
  private readonly onEnd: (this: Socket) => void;

  constructor(reader: BeginningReader<T>) {
    this.reader = reader;
    const take = (socket: Socket, chunk: Buffer): void => this.take(socket, chunk);
    const giveUp = (socket: Socket): void => this.giveUp(socket, 'ended');
    this.onData = function (chunk) {
      take(this, chunk);
    };
    this.onEnd = function () {
      giveUp(this);
    };
  }

  /** How many have not begun. */
  get size(): number {
    return this.since.size;
  }

  add(socket: Socket): void {
    this.since.set(socket, performance.now());
    if (this.timer === undefined) this.watch(this.reader.timeout);
    // A server of HTTP lets its clients close one half: `end` may be all that comes.
    socket.on('error', this.onEnd).on('end', this.onEnd).on('data', this.onData);
  }

  /** Those that have not begun will not. */
  destroy(): void {
    for (const socket of this.since.keys()) socket.destroy();
    this.since.clear();
    this.parts.clear();
  }

  private take(socket: Socket, chunk: Buffer): void {
    const before = this.parts.size === 0 ? undefined : this.parts.get(socket);
    const seen = before === undefined ? chunk : Buffer.concat([before, chunk]);
    const says = this.reader.read(seen);
    if (says === undefined) {
      this.parts.set(socket, seen);
    } else {
      this.release(socket);
      this.reader.onBegun(socket, says, seen);
    }
  }

  private giveUp(socket: Socket, why: NoBeginning): void {
    this.release(socket);
    this.reader.onNone(socket, why);
  }

  private release(socket: Socket): void {
    this.forget(socket);
    socket.off('error', this.onEnd).off('end', this.onEnd).off('data', this.onData);
  }

  private forget(socket: Socket): void {
    this.since.delete(socket);
    if (this.parts.size > 0) this.parts.delete(socket);
  }

  private watch(timeout: number): void {
    this.timer = setTimeout(() => this.sweep(), Math.min(timeout || LOOK_EVERY_MS, LONGEST_TIMER_MS));
    this.timer.unref();
  }

  /** Only the earliest is waited for: nearly all have begun by then. */
  private sweep(): void {
    const { timeout } = this.reader;
    const now = performance.now();
    this.timer = undefined;
    for (const [socket, came] of this.since) {
      const left = came + timeout - now;
      if (left > 0 && timeout > 0) return this.watch(Math.ceil(left));
      // Somebody may have destroyed it meanwhile.
      if (socket.destroyed) this.forget(socket);
      else if (timeout > 0) this.giveUp(socket, 'late');
    }
    if (this.since.size > 0) this.watch(timeout);
  }
}

/** Has whoever gets a socket read this first. */
export function putBack(socket: Socket, bytes: Buffer): void {
  stopFlowing(socket);
  if (bytes.length > 0) socket.unshift(bytes);
}

/**
 * As if nobody had read from a socket yet: what comes waits for whoever will. After `pause` they would have to know of it,
 * and a TLS socket over this one does not. Node's HTTP server does the same with a socket that it hands over.
 */
export function stopFlowing(socket: Socket): void {
  (socket as { readableFlowing: boolean | null }).readableFlowing = null;
}
