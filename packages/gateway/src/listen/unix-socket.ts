import { lstat, stat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { codeOf, Failure } from '../failure.ts';

/** `sun_path` of sockaddr_un, less the byte that ends it: Linux has 108, macOS and the BSDs 104. */
const LONGEST_PATH = process.platform === 'linux' ? 107 : 103;

/**
 * Makes way for a Unix socket: what a program that was killed has left behind is removed, once nobody answers there.
 * A socket that somebody listens on, and a file that is no socket, are never touched.
 */
export async function clearUnixSocket(path: string): Promise<void> {
  // Longer paths would be cut, and the socket would appear somewhere else.
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new Failure(`the path of a Unix socket has at most ${LONGEST_PATH} bytes, and ${path} has more`);
  }
  const found = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) {
    // libuv says EACCES where the folder is missing; this says ENOENT.
    await stat(dirname(path));
    return;
  }
  if (!found.isSocket()) {
    throw new Failure(`${path} exists and is not a socket; it is left as it is: choose another path for --listen`);
  }
  if (await isAnswered(path)) {
    throw new Failure(
      `another program listens on ${path}; end that program, or choose another path: --listen unix:PATH`,
    );
  }
  await unlink(path);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      const code = codeOf(error);
      // EAGAIN: somebody listens, and has more callers waiting than the system keeps.
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false);
      else if (code === 'EAGAIN') resolve(true);
      else reject(error);
    });
  });
}
