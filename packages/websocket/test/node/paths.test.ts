import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import { describe, test } from 'node:test';
import { HandshakeUsageError, UsageError, WebSocketServer } from '@pulsebeacon/websocket';
import { TLS } from '../support/certificate.ts';
import { handshake, RawClient } from '../support/raw-client.ts';
import { listen, serveOn } from '../support/servers.ts';

/** A server that greets with its name, and what its template stood for. */
function named(name: string, path?: string | readonly string[]): WebSocketServer {
  return new WebSocketServer({
    ...(path === undefined ? {} : { path }),
    open: (connection) => connection.send(`${name} ${JSON.stringify({ ...connection.parameters })}`),
  });
}

async function status(port: number, path: string): Promise<number> {
  const client = await RawClient.connect(port);
  client.write(handshake({ path }));
  const answer = await client.readAnswer();
  client.destroy();
  return answer.status;
}

async function greeting(port: number, path: string): Promise<string> {
  const client = await RawClient.open(port, { path });
  const frame = await client.readFrame();
  client.destroy();
  return frame!.payload.toString();
}

test('several servers on one HTTP port, each with its paths and templates, and one for the rest', async (t) => {
  const host = http.createServer((_, response) => response.end('a page'));
  const servers = [
    named('chat', '/chat'),
    named('rooms', ['/rooms/{id}', '/rooms/{id}/users/{user}']),
    named('lobby', '/rooms/lobby'),
  ];
  for (const server of servers) server.attach(host);
  const port = await listen(t, host);
  assert.equal(await greeting(port, '/chat?x=1'), 'chat {}');
  assert.equal(await greeting(port, '/rooms/7'), 'rooms {"id":"7"}');
  assert.equal(await greeting(port, '/rooms/a%2Fb/users/%C3%BC'), 'rooms {"id":"a/b","user":"ü"}');
  assert.equal(await greeting(port, '/rooms/lobby'), 'lobby {}');
  assert.equal(await status(port, '/'), 404);
  assert.equal(await status(port, '/chat/'), 404);
  assert.equal(await status(port, '/CHAT'), 404);
  assert.equal(await status(port, '/rooms/'), 404);
  assert.equal(
    await (await fetch(`http://127.0.0.1:${port}/chat`)).text(),
    'a page',
    "ordinary requests are the host's",
  );
  const rest = named('rest').attach(host);
  assert.equal(await greeting(port, '/anything'), 'rest {}');
  assert.equal(await greeting(port, '/chat'), 'chat {}');
  await Promise.all([...servers, rest].map((server) => server.close()));
  assert.equal(host.listenerCount('upgrade'), 0);
});

describe('attach', () => {
  test('twice is once; detach leaves open connections open', async (t) => {
    const host = http.createServer();
    const { server, open, target } = await serveOn(t, host, {
      path: '/a',
      message: (connection, data) => void connection.send(data),
    });
    assert.equal(server.attach(host), server);
    assert.equal(host.listenerCount('upgrade'), 1);
    const client = await open({ path: '/a' });
    server.detach(host);
    server.detach(host);
    assert.equal(host.listenerCount('upgrade'), 0);
    client.sendText('still here');
    assert.equal(await client.next(), 'text "still here"');
    server.attach(host);
    assert.equal(await status(target as number, '/a'), 101);
  });

  test('to several HTTP servers at once', async (t) => {
    const hosts = [http.createServer(), https.createServer(TLS)];
    const server = named('one');
    t.after(() => server.close());
    const [plain, secure] = await Promise.all(
      hosts.map(async (host) => {
        server.attach(host);
        return listen(t, host);
      }),
    );
    const first = await RawClient.open(plain!);
    const second = await RawClient.open(secure!, {}, true);
    assert.equal(server.counts().open, 2);
    assert.deepEqual(
      [...server.connections].map((connection) => connection.secure),
      [false, true],
    );
    first.destroy();
    second.destroy();
  });

  test('to a path that is taken throws, and attaches nothing', async (t) => {
    const host = http.createServer();
    const first = named('first', '/b').attach(host);
    const second = named('second', ['/a', '/b']);
    assert.throws(
      () => second.attach(host),
      (error) => error instanceof HandshakeUsageError && error.code === 'PB_PATH_TEMPLATE_CONFLICT',
    );
    const port = await listen(t, host);
    assert.equal(await status(port, '/a'), 404);
    assert.equal(await greeting(port, '/b'), 'first {}');
    second.detach(host);
    assert.equal(await greeting(port, '/b'), 'first {}');
    named('third', '/a').attach(host);
    assert.equal(await greeting(port, '/a'), 'third {}');
    await first.close();
  });

  test('of a second server without a path throws', () => {
    const host = http.createServer();
    named('first').attach(host);
    assert.throws(
      () => named('second').attach(host),
      (error) => error instanceof UsageError && error.code === 'PB_OPTION_INVALID',
    );
    assert.equal(host.listenerCount('upgrade'), 1);
  });

  test('of a server whose own paths collide throws', () => {
    const host = http.createServer();
    assert.throws(() => named('x', ['/rooms/{id}', '/rooms/{name}']).attach(host), {
      code: 'PB_PATH_TEMPLATE_CONFLICT',
    });
    assert.equal(host.listenerCount('upgrade'), 0);
  });

  test('paths that cannot be are refused when the server is made', () => {
    for (const path of ['', 'chat', '/{', '/a{b}', ['/ok', '/?x']]) {
      assert.throws(() => new WebSocketServer({ path }), {
        name: 'HandshakeUsageError',
        code: 'PB_PATH_TEMPLATE_INVALID',
      });
    }
  });
});

describe('beside other upgrade listeners', () => {
  test('what is not ours is left to them, what is ours is not theirs', async (t) => {
    const host = http.createServer();
    const seen: string[] = [];
    host.on('upgrade', (request, socket) => {
      if (request.url === '/ours') return;
      seen.push(`${request.headers.upgrade} ${request.url}`);
      socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\ntheirs');
    });
    const server = named('ours', '/ours').attach(host);
    t.after(() => server.close());
    const port = await listen(t, host);
    for (const [upgrade, path] of [
      ['websocket', '/theirs'],
      ['h2c', '/theirs'],
      ['irc', '/ours2'],
      ['websocket', '*'],
    ] as const) {
      const client = await RawClient.connect(port);
      client.write(handshake({ path, headers: { Upgrade: upgrade } }));
      assert.match((await client.readToEnd()).toString(), /theirs$/);
      client.destroy();
    }
    assert.deepEqual(seen, ['websocket /theirs', 'h2c /theirs', 'irc /ours2', 'websocket *']);
    assert.equal(await greeting(port, '/ours'), 'ours {}');
  });

  test('a server for all paths leaves them nothing but other protocols', async (t) => {
    const host = http.createServer();
    const seen: string[] = [];
    host.on('upgrade', (request, socket) => {
      if (request.headers.upgrade === 'websocket') return;
      seen.push(request.headers.upgrade!);
      socket.destroy();
    });
    const server = named('all').attach(host);
    t.after(() => server.close());
    const port = await listen(t, host);
    assert.equal(await greeting(port, '/anything'), 'all {}');
    const client = await RawClient.connect(port);
    client.write(handshake({ headers: { Upgrade: 'irc/6.9' } }));
    await client.readToEnd();
    client.destroy();
    assert.deepEqual(seen, ['irc/6.9']);
  });
});

test('handleRequest answers for its own paths alone', async (t) => {
  const server = named('rooms', '/rooms/{id}');
  const host = http.createServer((request, response) => {
    if (!server.handleRequest(request, response)) response.end('a page');
  });
  server.attach(host);
  t.after(() => server.close());
  const base = `http://127.0.0.1:${await listen(t, host)}`;
  assert.equal(await (await fetch(`${base}/other`)).text(), 'a page');
  const get = await fetch(`${base}/rooms/1`);
  assert.deepEqual(
    [get.status, get.headers.get('upgrade'), get.headers.get('sec-websocket-version')],
    [426, 'websocket', '13'],
  );
  assert.equal(get.headers.get('content-type'), 'application/problem+json');
  assert.equal(((await get.json()) as { code: string }).code, 'PB_HANDSHAKE_UPGRADE_MISSING');
  const post = await fetch(`${base}/rooms/1`, { method: 'POST', body: 'x' });
  assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET']);
  const head = await fetch(`${base}/rooms/1`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [426, '']);
});
