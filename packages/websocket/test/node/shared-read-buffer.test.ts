import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, describe, test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { prepareSharedReadBuffer, SharedBufferStream } from '#dist/node/shared-read-buffer.js';
import { byteStreamContract, type StreamPair } from '../support/byte-stream-contract.ts';
import { TLS } from '../support/certificate.ts';
import { handshake } from '../support/raw-client.ts';

before(prepareSharedReadBuffer);

/** The options of the client's end: half open, and reading no more than it is asked for. */
const PEER = { allowHalfOpen: true, highWaterMark: 1 };

async function listen(t: TestContext, server: net.Server, unix = false): Promise<net.NetConnectOpts> {
  if (unix) {
    const folder = mkdtempSync(path.join(tmpdir(), 'pulsebeacon-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    server.listen(path.join(folder, 'socket'));
  } else server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address() as net.AddressInfo | string;
  return typeof address === 'string' ? { path: address } : { port: address.port, host: '127.0.0.1' };
}

async function accept(t: TestContext, unix = false): Promise<[net.Socket, net.Socket, net.Server]> {
  const server = net.createServer({ allowHalfOpen: true });
  const where = await listen(t, server, unix);
  const peer = net.connect({ ...where, ...PEER } as net.NetConnectOpts);
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  t.after(() => [socket.destroy(), peer.destroy()]);
  return [socket, peer, server];
}

function moved(socket: net.Socket): SharedBufferStream {
  const stream = new SharedBufferStream(socket);
  assert.equal(stream.move(), true, 'the socket was not moved');
  return stream;
}

const canMove = (socket: net.Socket): boolean => new SharedBufferStream(socket).move();

test('the self-test finds that the shared read buffer works on every Node that is supported', async () => {
  assert.equal(await prepareSharedReadBuffer(), true);
});

byteStreamContract('SharedBufferStream over TCP', async (t) => {
  const [socket, peer] = await accept(t);
  return { stream: moved(socket), peer, reset: () => peer.resetAndDestroy() };
});

byteStreamContract('SharedBufferStream over a Unix socket', async (t) => {
  const [socket, peer] = await accept(t, true);
  return { stream: moved(socket), peer, reset: () => peer.destroy() };
});

byteStreamContract('SharedBufferStream that moves when the first bytes come', async (t) => {
  const [socket, peer] = await accept(t);
  return { stream: new SharedBufferStream(socket), peer, reset: () => peer.resetAndDestroy() };
});

byteStreamContract('SharedBufferStream of a socket that stays as it is', async (t) => {
  const [socket, peer] = await accept(t);
  const stream = new SharedBufferStream(socket.on('close', () => {}));
  assert.equal(stream.move(), false);
  return { stream, peer, reset: () => peer.resetAndDestroy() };
});

byteStreamContract('SharedBufferStream of a connection that was made from here', async (t) => {
  const server = net.createServer(PEER);
  const where = await listen(t, server);
  const accepted = once(server, 'connection');
  const socket = net.connect({ ...where, allowHalfOpen: true } as net.NetConnectOpts);
  await once(socket, 'connect');
  const [peer] = (await accepted) as [net.Socket];
  return { stream: moved(socket), peer, reset: () => peer.resetAndDestroy() };
});

/** The two ends of a connection that an HTTP server has upgraded. */
async function upgrade(t: TestContext, server: http.Server, unix = false): Promise<[net.Socket, net.Socket]> {
  const where = await listen(t, server, unix);
  const peer = net.connect({ ...where, ...PEER } as net.NetConnectOpts);
  peer.write(handshake());
  const [, socket] = (await once(server, 'upgrade')) as [http.IncomingMessage, net.Socket];
  t.after(() => [socket.destroy(), peer.destroy()]);
  return [socket, peer];
}

for (const unix of [false, true]) {
  byteStreamContract(
    `SharedBufferStream of an upgraded connection (${unix ? 'Unix' : 'TCP'})`,
    async (t): Promise<StreamPair> => {
      const [socket, peer] = await upgrade(t, http.createServer(), unix);
      return { stream: moved(socket), peer, reset: () => (unix ? peer.destroy() : peer.resetAndDestroy()) };
    },
  );
}

describe('the host of a moved connection', () => {
  const connections = (server: net.Server): Promise<number> =>
    new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
  const nobody = { onBytes() {}, onDrain() {}, onEnd() {}, onClose() {} };

  test('goes on counting it, until it is closed', async (t) => {
    const server = http.createServer();
    const [socket, peer] = await upgrade(t, server);
    const stream = moved(socket);
    assert.equal(await connections(server), 1);
    const closed = new Promise<void>((resolve) => stream.attach({ ...nobody, onClose: () => resolve() }));
    stream.end();
    peer.end();
    await closed;
    assert.equal(await connections(server), 0);
  });

  test('waits for it when it closes', async (t) => {
    const server = http.createServer();
    const [socket] = await upgrade(t, server);
    const stream = moved(socket);
    stream.attach(nobody);
    let isOver = false;
    const closed = once(server, 'close').then(() => assert.ok(isOver, 'the server closed before its connection'));
    server.close();
    for (let i = 0; i < 5; i++) await setImmediate();
    isOver = true;
    stream.destroy();
    await closed;
  });

  test('is not held by the old socket: nothing comes of using that', async (t) => {
    const server = http.createServer();
    const [socket, peer] = await upgrade(t, server);
    const stream = moved(socket);
    let text = '';
    await new Promise<void>((resolve) => {
      stream.attach({
        ...nobody,
        onBytes: (bytes, start, end) => {
          text += Buffer.from(bytes.subarray(start, end)).toString();
          resolve();
        },
      });
      socket.pause();
      socket.resume();
      socket.destroy();
      peer.write('still read');
    });
    assert.equal(text, 'still read');
    assert.equal(await connections(server), 1);
  });
});

describe('a socket stays as it is', () => {
  test('over TLS', async (t) => {
    const server = tls.createServer(TLS);
    const where = await listen(t, server);
    const peer = tls.connect({ ...where, rejectUnauthorized: false } as tls.ConnectionOptions);
    const [socket] = (await once(server, 'secureConnection')) as [tls.TLSSocket];
    t.after(() => [socket.destroy(), peer.destroy()]);
    assert.equal(canMove(socket), false);
  });

  test('where bytes of it were read already, or are still to be written', async (t) => {
    const [socket, peer] = await accept(t);
    peer.write('early');
    await once(socket, 'readable');
    assert.equal(canMove(socket), false);
    assert.equal(socket.read().toString(), 'early');
    socket.cork();
    socket.write('late');
    assert.equal(canMove(socket), false);
  });

  test('where either end of it has ended', async (t) => {
    const [ended, peer] = await accept(t);
    ended.resume();
    peer.end();
    await once(ended, 'end');
    assert.equal(canMove(ended), false);
    const [ending] = await accept(t);
    ending.end();
    assert.equal(canMove(ending), false);
    const [destroyed] = await accept(t);
    destroyed.destroy();
    assert.equal(canMove(destroyed), false);
  });

  test('where somebody listens for its end, who is told', async (t) => {
    const server = http.createServer();
    const [socket, peer] = await upgrade(t, server);
    const ended = once(socket, 'close');
    const stream = new SharedBufferStream(socket);
    assert.equal(stream.move(), false);
    const closed = new Promise<void>((resolve) => {
      stream.attach({ onBytes() {}, onDrain() {}, onEnd: () => stream.end(), onClose: () => resolve() });
    });
    assert.equal(stream.move(), false);
    peer.destroy();
    await Promise.all([ended, closed]);
  });

  test('where somebody made it, or made it otherwise', async (t) => {
    class Own extends net.Socket {}
    assert.equal(canMove(new Own()), false);
    // A client's that does not connect: it has no handle.
    assert.equal(canMove(new net.Socket()), false);
    const [socket] = await accept(t);
    const internals = socket as unknown as { _handle: { reading?: unknown } };
    const handle = internals._handle;
    internals._handle = Object.create(handle, { reading: { value: 'somehow' } }) as typeof handle;
    assert.equal(canMove(socket), false);
    internals._handle = handle;
  });

  test('where the environment says so (PULSEBEACON_READ=public)', () => {
    const file = fileURLToPath(import.meta.resolve('#dist/node/shared-read-buffer.js'));
    const script = `import { prepareSharedReadBuffer } from ${JSON.stringify(file)}; console.log(await prepareSharedReadBuffer());`;
    const run = (value: string): string =>
      execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
        env: { ...process.env, PULSEBEACON_READ: value },
        encoding: 'utf8',
      }).trim();
    assert.equal(run('public'), 'false');
    assert.equal(run(''), 'true');
  });
});
