// requires: openssl
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { connect, createSecureContext, type ConnectionOptions, type TLSSocket, type TlsOptions } from 'node:tls';
import { WebSocketServer } from '@pulsebeacon/websocket';
import type { ClientOptions } from 'ws';
import { makeCertificate } from '../support/certificate.ts';
import { type Scope, temporaryFolder } from '../support/cleanup.ts';
import { Client } from '../support/client.ts';
import { Random } from '../support/random.ts';
import { frame, handshake, RawClient } from '../support/raw.ts';

const { certFile, keyFile } = await makeCertificate(await temporaryFolder({ after }));
const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);

interface Subject {
  readonly server: WebSocketServer;
  readonly port: number;
  /** The close codes of connections, as they end. */
  ended(): Promise<number>;
  /** A client that minds its manners is served. */
  check(): Promise<void>;
}

async function startServer(scope: Scope, tls: TlsOptions = {}): Promise<Subject> {
  const codes: number[] = [];
  const waiting: ((code: number) => void)[] = [];
  const server = new WebSocketServer({
    path: '/echo',
    message: (connection, data) => void connection.send(data),
    error() {},
    close(_connection, code) {
      const next = waiting.shift();
      if (next !== undefined) next(code);
      else codes.push(code);
    },
  });
  const address = await server.listen({ port: 0, host: '127.0.0.1', tls: { cert, key, ...tls } });
  scope.after(() => server.close());
  const port = typeof address === 'string' ? 0 : address.port;
  const ended = (): Promise<number> => {
    const code = codes.shift();
    return code === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(code);
  };
  const check = async (): Promise<void> => {
    // The types of ws do not know that it passes options on to tls.connect().
    const options = { ca: cert, servername: 'localhost' } as ClientOptions;
    const client = await Client.open(scope, `wss://127.0.0.1:${port}/echo`, options);
    assert.equal(await client.ask('hello'), 'hello');
    assert.equal((await client.close()).code, 1000);
    assert.equal(await ended(), 1000);
  };
  return { server, port, ended, check };
}

/** A TLS handshake that has to fail, and how. */
async function fails(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', ca: cert, ...options });
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  socket.destroy();
  return error.code ?? error.message;
}

describe('a TLS listener', () => {
  test('plain HTTP: the connection ends, and so it does for a plain WebSocket', async (t) => {
    const { port, check } = await startServer(t);
    for (const head of ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', handshake('/echo')]) {
      const client = await RawClient.connect(t, port);
      client.write(head);
      await client.over;
      assert.doesNotMatch(client.bytes.toString('latin1'), /HTTP\/1\.1 (?:1|2)/);
    }
    await check();
  });

  test('bytes that are no TLS, or none that ends well', async (t) => {
    const { server, port, check } = await startServer(t);
    const random = new Random(22);
    for (let i = 0; i < 60; i++) {
      const client = await RawClient.connect(t, port);
      // A third looks like the head of a record that announces more than ever comes.
      const noise = random.bytes(random.between(1, 2000));
      if (i % 3 === 0) noise.set([0x16, 0x03, 0x01, 0x3f, 0xff].slice(0, noise.length));
      client.write(noise);
      if (i % 2 === 0) client.socket.resetAndDestroy();
      else client.socket.end();
      await client.over;
    }
    await check();
    assert.equal(server.counts().accepted, 1);
  });

  test('a handshake that is cut or reset at any byte', async (t) => {
    const { port, check } = await startServer(t);
    const hello = await clientHello(t);
    for (let cut = 1; cut < hello.length; cut += 11) {
      const client = await RawClient.connect(t, port);
      client.write(hello.subarray(0, cut));
      if (cut % 2 === 0) client.socket.resetAndDestroy();
      else client.socket.end();
      await client.over;
    }
    await check();
  });

  test('a client that says nothing is cut off', async (t) => {
    const { port, check } = await startServer(t, { handshakeTimeout: 300 });
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(t, port)));
    await check();
    await Promise.all(clients.map(({ over }) => over));
    await check();
  });

  test('a name that the server does not know, by callbacks that refuse and that throw', async (t) => {
    const contexts = new Map([['localhost', createSecureContext({ cert, key })]]);
    const { port, check } = await startServer(t, {
      SNICallback(name, answer) {
        if (name === 'throws.example') throw new Error('a callback with a fault');
        const context = contexts.get(name);
        if (context === undefined) answer(new Error(`no certificate for ${name}`));
        else answer(null, context);
      },
    });
    for (const servername of ['unknown.example', 'throws.example', `${'x'.repeat(63)}.example`]) {
      assert.match(await fails(port, { servername }), /ECONNRESET|ALERT|SSL|EPIPE/);
      await check();
    }
  });

  test('protocols of the application: by a callback that chooses, that refuses, and that throws', async (t) => {
    const { port, check } = await startServer(t, {
      ALPNCallback({ servername, protocols }) {
        if (servername === 'throws.example') throw new Error('a callback with a fault');
        return protocols.find((protocol) => protocol === 'http/1.1');
      },
    });
    const chosen = connect({ port, host: '127.0.0.1', ca: cert, servername: 'localhost', ALPNProtocols: ['http/1.1'] });
    await once(chosen, 'secureConnect');
    assert.equal(chosen.alpnProtocol, 'http/1.1');
    chosen.destroy();
    for (const options of [
      { servername: 'localhost', ALPNProtocols: ['h2'] },
      { servername: 'throws.example', ALPNProtocols: ['http/1.1'] },
    ]) {
      assert.match(await fails(port, options), /ECONNRESET|ALERT|SSL|EPIPE|NO_APPLICATION_PROTOCOL/);
      await check();
    }
  });

  test('no protocol and no version in common', async (t) => {
    const { port, check } = await startServer(t, { minVersion: 'TLSv1.2' });
    assert.match(
      await fails(port, { servername: 'localhost', ALPNProtocols: ['spdy/3.1'] }),
      /NO_APPLICATION_PROTOCOL|ECONNRESET/,
    );
    assert.match(
      await fails(port, { servername: 'localhost', minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }),
      /SSL|ALERT/,
    );
    await check();
  });

  test('a connection that breaks off in the middle of a message: 1006, whichever way it breaks', async (t) => {
    const { server, port, ended, check } = await startServer(t);
    const ways: readonly ((tcp: Socket, tls: TLSSocket) => void)[] = [
      (tcp) => tcp.resetAndDestroy(),
      // The end of TCP without the end of TLS.
      (tcp) => tcp.end(),
      (_tcp, tls) => tls.end(),
    ];
    for (const breakOff of ways) {
      const tcp = connectTcp(port, '127.0.0.1').on('error', () => {});
      const tls = connect({ socket: tcp, ca: cert, servername: 'localhost' }).on('error', () => {});
      await once(tls, 'secureConnect');
      tls.write(handshake('/echo'));
      await once(tls, 'data');
      const half = frame(0x2, Buffer.alloc(10_000)).subarray(0, 5000);
      await new Promise<void>((resolve) => tls.write(half, () => resolve()));
      breakOff(tcp, tls);
      assert.equal(await ended(), 1006);
      tcp.destroy();
    }
    assert.equal(server.counts().open, 0);
    await check();
  });
});

/** The bytes with which a TLS client begins. */
async function clientHello(scope: Scope): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(() => server.close());
  const address = server.address();
  const client = connect({ port: typeof address === 'object' ? address!.port : 0, host: '127.0.0.1' }).on(
    'error',
    () => {},
  );
  const [accepted] = await once(server, 'connection');
  const [hello] = (await once(accepted, 'data')) as [Buffer];
  client.destroy();
  accepted.destroy();
  return hello;
}
