// Many idle WebSocket clients in one process, from many addresses of the loopback network: crowd.js PORT NETWORK.
// Plain sockets that know just enough of the protocol, so that the crowd costs less than the server that it is for.
import { connect, type Socket } from 'node:net';
import { frame, handshake } from '../../support/raw.ts';

export type CrowdQuestion =
  | { readonly ask: 'open'; readonly count: number }
  /** Every hundredth asks for an echo. */
  | { readonly ask: 'echo' }
  /** Everybody closes with 1000. */
  | { readonly ask: 'close' }
  /** Answered when the server has closed everybody. */
  | { readonly ask: 'gone' };

const AT_ONCE = 64;
const HANDSHAKE = handshake('/echo');
const HELLO = frame(0x1, Buffer.from('hello'));
const ECHO = Buffer.concat([Buffer.of(0x81, 5), Buffer.from('hello')]);
const PONG = frame(0xa, Buffer.alloc(0));
const CLOSE = frame(0x8, Buffer.of(0x03, 0xe8));

const port = Number(process.argv[2]);
const network = Number(process.argv[3]);
const crowd = new Set<Socket>();
let whenEmpty: (() => void) | undefined;

/** Everything that may come unasked: pings, which are answered, and a close frame, which is echoed. */
function onData(this: Socket, chunk: Buffer): void {
  for (let at = 0; at + 1 < chunk.length; at += 2 + chunk[at + 1]!) {
    if (chunk[at] === 0x89) this.write(PONG);
    else if (chunk[at] === 0x88) this.write(frame(0x8, chunk.subarray(at + 2, at + 4)));
  }
}

function onClose(this: Socket): void {
  crowd.delete(this);
  if (crowd.size === 0) whenEmpty?.();
}

function openOne(index: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const localAddress = `127.${network}.${Math.floor(index / 200)}.${1 + (index % 200)}`;
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    socket.once('error', reject);
    socket.write(HANDSHAKE);
    socket.once('data', (head: Buffer) => {
      if (!head.toString('latin1').startsWith('HTTP/1.1 101 ')) return reject(new Error(`refused: ${head.toString()}`));
      socket.off('error', reject).on('error', () => {});
      socket.on('data', onData).on('close', onClose);
      crowd.add(socket);
      resolve();
    });
  });
}

async function openAll(count: number): Promise<void> {
  let next = 0;
  const opener = async (): Promise<void> => {
    while (next < count) await openOne(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, opener));
}

function askForEcho(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('data', function listener(chunk: Buffer) {
      if (!chunk.equals(ECHO)) return;
      socket.off('data', listener);
      resolve();
    });
    socket.write(HELLO);
  });
}

async function gone(): Promise<void> {
  if (crowd.size > 0) await new Promise<void>((resolve) => (whenEmpty = resolve));
}

process.on('message', async (question: CrowdQuestion) => {
  if (question.ask === 'open') await openAll(question.count);
  else if (question.ask === 'echo') await Promise.all([...crowd].filter((_, i) => i % 100 === 0).map(askForEcho));
  else {
    if (question.ask === 'close') for (const socket of crowd) socket.write(CLOSE);
    await gone();
  }
  process.send!({ open: crowd.size });
});
