import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import tls from 'node:tls';
import { WebSocketServer } from '@pulsebeacon/websocket';
import { type ByteStreamHandler, CONSUMED } from '#dist/connection/byte-stream.js';
import { streamOver } from '#dist/node/shared-read-buffer.js';
import { SocketStream, TlsSocketStream } from '#dist/node/socket-stream.js';
import { byteStreamContract, type StreamPair } from '../support/byte-stream-contract.ts';
import { TLS } from '../support/certificate.ts';
import { fromClient, utf8 } from '../support/frames.ts';
import { handshake } from '../support/raw-client.ts';

/** Both ends of a new connection; the server's first. */
async function connectTo(
  t: TestContext,
  server: net.Server,
  where: net.ListenOptions,
): Promise<[net.Socket, net.Socket]> {
  server.listen(where);
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address() as net.AddressInfo | string;
  const target = typeof address === 'string' ? { path: address } : { port: address.port, host: '127.0.0.1' };
  const peer = net.connect({ ...target, allowHalfOpen: true, highWaterMark: 1 } as unknown as net.NetConnectOpts);
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  return [socket, peer];
}

function unixPath(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'pulsebeacon-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, 'socket');
}

byteStreamContract('SocketStream over TCP', async (t) => {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const [socket, peer] = await connectTo(t, server, { port: 0, host: '127.0.0.1' });
  return { stream: new SocketStream(socket), peer, reset: () => peer.resetAndDestroy() };
});

byteStreamContract('SocketStream over a Unix socket', async (t) => {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const [socket, peer] = await connectTo(t, server, { path: unixPath(t) });
  return { stream: new SocketStream(socket), peer, reset: () => peer.destroy() };
});

byteStreamContract('TlsSocketStream', async (t): Promise<StreamPair> => {
  const server = tls.createServer(TLS);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // In between, for a TLS socket cannot be told to reset its connection.
  const relay = net.createServer({ allowHalfOpen: true });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  t.after(() => [server.close(), relay.close()]);
  const where = { port: (relay.address() as net.AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true };
  const options = { socket: net.connect(where), rejectUnauthorized: false, allowHalfOpen: true, highWaterMark: 1 };
  const peer = tls.connect(options as unknown as tls.ConnectionOptions);
  const [inner] = (await once(relay, 'connection')) as [net.Socket];
  const outer = net.connect({ ...where, port: (server.address() as net.AddressInfo).port });
  inner.on('error', () => {}).on('close', () => outer.destroy());
  outer.on('error', () => {}).on('close', () => inner.destroy());
  inner.pipe(outer).pipe(inner);
  const [socket] = (await once(server, 'secureConnection')) as [tls.TLSSocket];
  return { stream: new TlsSocketStream(socket), peer, reset: () => outer.resetAndDestroy() };
});

test('a stream that somebody made and that keeps what it is given gets copies', async () => {
  const kept: Buffer[] = [];
  const keeper = new Duplex({
    read() {},
    // It says at once that it is done, as node:stream's own duplexPair does, and reads the memory later.
    write(chunk: Buffer, _, done) {
      kept.push(chunk);
      done();
    },
  });
  const stream = streamOver(keeper as unknown as net.Socket);
  const memory = Buffer.from('first');
  assert.equal(stream.write(memory, 0, 5), 0);
  memory.write('other');
  assert.equal(Buffer.concat(kept).toString(), 'first');
  keeper.destroy();
});

/** Writes down what it is told, and does as the test says with each piece. */
class Listener implements ByteStreamHandler {
  readonly told: string[] = [];
  private readonly onPiece: (piece: string) => void;

  constructor(onPiece: (piece: string) => void) {
    this.onPiece = onPiece;
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    const piece = Buffer.from(bytes.subarray(start, end)).toString();
    this.told.push(piece);
    this.onPiece(piece);
    this.told.push(`done with ${piece}`);
  }
  onDrain(): void {}
  onEnd(): void {
    this.told.push('end');
  }
  onClose(): void {
    this.told.push('close');
  }
}

test('what a stream that somebody made answers before `write` returns is told later, and in order', async () => {
  const answering = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      answering.push(`answer to ${chunk.toString()}`);
      done();
    },
  });
  const stream = streamOver(answering as unknown as net.Socket);
  const write = (text: string): void => {
    stream.write(Buffer.from(text), 0, text.length);
    listener.told.push(`wrote ${text}`);
  };
  const listener: Listener = new Listener((piece) => {
    if (piece === 'question') write('1');
    if (piece === 'answer to 1') answering.push('more');
  });
  stream.attach(listener);
  await setImmediate();
  answering.push('question');
  write('2');
  await setImmediate();
  answering.push(null);
  await once(answering, 'end');
  assert.deepEqual(listener.told, [
    'question',
    'wrote 1',
    'done with question',
    'wrote 2',
    'answer to 1',
    'done with answer to 1',
    'answer to 2',
    'done with answer to 2',
    'more',
    'done with more',
    'end',
  ]);
  answering.destroy();
});

test('servers over such streams mix nothing up', async () => {
  const server = createServer();
  const sockets = new WebSocketServer({ message: (connection, text) => void connection.send(text) }).attach(server);
  const open = async (name: string): Promise<string[]> => {
    const ends: Duplex[] = [];
    const end = (other: 0 | 1): Duplex =>
      new Duplex({
        read() {},
        write(chunk: Buffer, _, done) {
          ends[other]!.push(chunk);
          done();
        },
      });
    ends.push(end(1), end(0));
    const [ours, theirs] = ends as [Duplex, Duplex];
    const received: string[] = [];
    const question = (): boolean => theirs.write(fromClient({ opcode: 1, payload: utf8(name) }));
    server.emit('connection', ours);
    theirs.write(handshake());
    await once(theirs, 'data');
    await new Promise<void>((resolve) => {
      theirs.on('data', (chunk: Buffer) => {
        received.push(chunk.toString('latin1', 2));
        // While the answer is being written.
        if (received.length < 20) question();
        else resolve();
      });
      question();
    });
    return received;
  };
  const names = ['a', 'b', 'c', 'd', 'e'];
  const received = await Promise.all(names.map(open));
  assert.deepEqual(
    received,
    names.map((name) => Array.from({ length: 20 }, () => name)),
  );
  for (const connection of sockets.connections) connection.terminate();
});

// Node 26 does not pause what is destroyed.
test('a stream that was destroyed tells nothing more once it is paused', async () => {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const stream = streamOver(socket as unknown as net.Socket);
  const listener = new Listener(() => stream.pause());
  stream.attach(listener);
  await setImmediate();
  stream.pause();
  for (const piece of ['first', 'second', 'third']) socket.push(piece);
  stream.resume();
  socket.destroy();
  await once(socket, 'close');
  assert.deepEqual(listener.told, ['first', 'done with first', 'close']);
});

for (const Stream of [SocketStream, TlsSocketStream]) {
  test(`${Stream.name}: a write that throws ends the connection, and says why`, async () => {
    const thrown = new Error('not today');
    const socket = new Duplex({
      read() {},
      write() {
        throw thrown;
      },
    });
    const stream = new Stream(socket as unknown as net.Socket);
    const cause = new Promise((resolve) =>
      stream.attach({ onBytes() {}, onDrain() {}, onEnd() {}, onClose: (error) => void resolve(error) }),
    );
    const bytes = Buffer.alloc(100_000);
    assert.equal(stream.write(bytes, 0, bytes.length), CONSUMED);
    assert.equal(stream.write(bytes, 0, 1), CONSUMED);
    assert.equal(await cause, thrown);
  });
}
