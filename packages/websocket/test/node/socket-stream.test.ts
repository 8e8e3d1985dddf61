import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import { streamOver } from '#dist/node/shared-read-buffer.js';
import { SocketStream, TlsSocketStream } from '#dist/node/socket-stream.js';
import { byteStreamContract, type StreamPair } from '../support/byte-stream-contract.ts';
import { TLS } from '../support/certificate.ts';

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
