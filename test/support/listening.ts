import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Program } from './program.ts';

/** Starts a program that is to listen on a free port; on another one where somebody else was quicker. */
export async function onFreePort(start: (port: number) => Promise<Program>): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const program = await start(port);
    if (await listens(program, port)) return port;
    const { stdout, stderr } = await program.exit;
    if (attempt === 5) throw new Error(`the program does not start:\n${stdout}${stderr}`);
  }
}

/** Whether nobody listens there now. */
export const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const server = createServer().listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
  });

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether the program listens, as soon as it does; false where it ends instead. Not every program says when it is ready. */
async function listens(program: Program, port: number): Promise<boolean> {
  while (!program.hasExited) {
    const socket = connect(port, '127.0.0.1');
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (connected) return true;
    await Promise.race([wait(20), program.exit]);
  }
  return false;
}
