import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { test, type TestContext } from 'node:test';
import { type HostServer, UsageError, WebSocketServer, withHttp2 } from '@pulsebeacon/websocket';
import { TLS } from '../support/certificate.ts';
import { Http2Client } from '../support/http2-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { listen } from '../support/servers.ts';

const ECHO = {
  path: '/echo',
  message: (c: { send(data: string): unknown }, data: unknown) => void c.send(String(data)),
};

async function open(t: TestContext, host: HostServer, secure = false): Promise<[Http2Client, number]> {
  const port = await listen(t, host);
  const client = await Http2Client.connect(port, secure);
  t.after(() => client.destroy());
  return [client, port];
}

test('WebSockets and the requests of an application share a session, and the application sees its own alone', async (t) => {
  const seen: unknown[] = [];
  const host = http2.createServer((request, response) => response.end(`page ${request.url}`));
  host.on('stream', (_, headers) => seen.push(`${headers[':method']} ${headers[':path']}`));
  new WebSocketServer(ECHO as never).attach(host);
  const [client] = await open(t, host);
  const socket = await client.open({ ':path': '/echo' });
  socket.sendText('hello');
  assert.equal(await socket.next(), 'text "hello"');
  assert.equal((await client.ask({ ':path': '/' })).body, 'page /');
  assert.equal((await client.refused({ ':path': '/other' })).status, 404);
  assert.equal((await client.refused({ ':path': '/echo', ':protocol': 'other' })).status, 501);
  assert.deepEqual(seen, ['GET /']);
});

test('a CONNECT that is not ours goes to an application that listens for it', async (t) => {
  const host = http2.createServer(() => {});
  host.on('connect' as 'request', (_, response) => {
    response.writeHead(200);
    response.end('theirs');
  });
  new WebSocketServer(ECHO as never).attach(host);
  const [client] = await open(t, host);
  assert.equal((await client.refused({ ':path': '/echo', ':protocol': 'connect-udp' })).body, 'theirs');
  assert.equal((await client.refused({ ':path': '/other' })).body, 'theirs');
  await client.open({ ':path': '/echo' });
});

test('a server with allowHTTP1 has WebSockets by both versions, on one port', async (t) => {
  const host = http2.createSecureServer({ ...TLS, allowHTTP1: true }, (_, response) => void response.end('page'));
  const server = new WebSocketServer(ECHO as never).attach(host);
  const [client, port] = await open(t, host, true);
  const socket = await client.open({ ':path': '/echo' });
  const old = await RawClient.open(port, { path: '/echo' }, true);
  const { byHttpVersion } = server.counts();
  assert.equal(byHttpVersion['1.1'].open, 1);
  assert.equal(byHttpVersion['2'].open, 1);
  old.destroy();
  socket.sendText('still');
  assert.equal(await socket.next(), 'text "still"');
});

test('a handshake that the application is still deciding on may be reset', async (t) => {
  let decide: (() => void) | undefined;
  const host = http2.createServer();
  const asked = new Promise<void>((resolve) => {
    new WebSocketServer({
      authorize: () => {
        resolve();
        return new Promise<undefined>((done) => (decide = () => done(undefined)));
      },
    }).attach(host);
  });
  const [client] = await open(t, host);
  const stream = client.connect();
  await asked;
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await once(stream, 'close');
  decide!();
  assert.equal((await client.refused({ ':protocol': 'other' })).status, 501);
});

test('options of withHttp2 that cannot be', () => {
  for (const options of [
    { maxStream: 5 },
    { maxStreams: 0 },
    { resetRate: NaN },
    { onFault: 'log' },
    { idleTimeout: -1 },
  ]) {
    assert.throws(
      () => withHttp2(http.createServer(), options as never),
      (error) => error instanceof UsageError && error.code === 'PB_OPTION_INVALID',
      JSON.stringify(options),
    );
  }
});
