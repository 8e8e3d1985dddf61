import type { Socket } from 'node:net';

/** Why there is nothing to say of a beginning: the socket ended, or took too long. */
export type NoBeginning = 'ended' | 'late';

/** What a beginning says, and how many bytes of it nobody else is to read. */
export interface Beginning<T> {
  readonly says: T;
  readonly length: number;
}

/**
 * Looks at what a socket begins with, before it belongs to whoever serves it: they read all of it but what is taken off.
 *
 * @param timeout milliseconds for it; 0: no limit
 * @param read is given everything that has come; undefined where that is not enough
 * @param done told once. Where there is no beginning, the socket is its to destroy
 */
export function readBeginning<T>(
  socket: Socket,
  timeout: number,
  read: (seen: Buffer) => Beginning<T> | undefined,
  done: (says: T | NoBeginning) => void,
): void {
  let seen: Buffer = Buffer.alloc(0);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', ignore);
  };
  const giveUp = (why: NoBeginning): void => {
    stop();
    done(why);
  };
  const onEnd = (): void => giveUp('ended');
  const onReadable = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const beginning = read(seen);
      if (beginning === undefined) continue;
      const rest = seen.subarray(beginning.length);
      // While somebody listens: put back later, it would never reach a TLS socket over this one.
      if (rest.length > 0) socket.unshift(rest);
      stop();
      return done(beginning.says);
    }
  };
  const timer = timeout === 0 ? undefined : setTimeout(() => giveUp('late'), timeout);
  // A server of HTTP lets its clients close one half: `end` may be all that comes.
  socket.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', ignore);
}

function ignore(): void {}
