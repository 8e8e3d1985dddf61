import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Hub } from '@pulsebeacon/hub';
import { OPEN, Site } from '../support/site.ts';
import { HANDSHAKE, RawHttp } from '../support/raw-http.ts';

async function listen(t: TestContext, server: Server, hub: Hub): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    await hub.close();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const get = async (url: string): Promise<[number, string]> => {
  const response = await fetch(url);
  return [response.status, await response.text()];
};

for (const order of ['before', 'after'] as const) {
  test(`an application whose listener came ${order} the hub never sees requests for channels`, async (t) => {
    const server = createServer();
    const hub = new Hub(OPEN);
    const seen: string[] = [];
    const listener = (): void => {
      server.on('request', (request, response) => {
        seen.push(request.url!);
        response.end('the app');
      });
    };
    if (order === 'before') listener();
    hub.attach(server);
    if (order === 'after') listener();
    const url = await listen(t, server, hub);
    assert.equal((await get(`${url}/channels/news`))[0], 200);
    assert.deepEqual(await get(`${url}/channels`), [200, 'the app']);
    assert.deepEqual(await get(`${url}/`), [200, 'the app']);
    assert.deepEqual(seen, ['/channels', '/']);
  });
}

test('detached, everything is the application again', async (t) => {
  const site = await Site.start(t, { ...OPEN, app: (_request, response) => void response.end('the app') });
  assert.ok(Object.hasOwn(site.server, 'emit'));
  site.hub.detach(site.server);
  assert.ok(!Object.hasOwn(site.server, 'emit'));
  assert.equal(await (await site.fetch('/channels/news')).text(), 'the app');
  await assert.rejects(site.socket('/channels/news'));
  site.hub.attach(site.server);
  assert.equal((await site.fetch('/channels/news')).status, 200);
});

test('somebody who wraps emit after the hub goes on to see everything, and is left alone', async (t) => {
  const site = await Site.start(t, { ...OPEN, app: (_request, response) => void response.end('the app') });
  const seen: unknown[] = [];
  const inner = site.server.emit as (...parameters: unknown[]) => boolean;
  const outer = function (this: Server, ...parameters: unknown[]): boolean {
    if (parameters[0] === 'request') seen.push(parameters[0]);
    return inner.apply(this, parameters);
  };
  site.server.emit = outer as Server['emit'];
  assert.equal((await site.fetch('/channels/news')).status, 200);
  site.hub.detach(site.server);
  assert.equal(site.server.emit, outer);
  assert.equal(await (await site.fetch('/channels/news')).text(), 'the app');
  assert.equal(seen.length, 2);
});

test('two hubs share a server by their bases', async (t) => {
  const one = await Site.start(t, { ...OPEN, base: '/one' });
  const two = new Hub(OPEN);
  t.after(() => two.close());
  two.attach(one.server, { base: '/two/deep/' });
  await one.post('/one/channels/news', 'first');
  await one.post('/two/deep/channels/news', 'second');
  assert.deepEqual(await get(`${one.url}/one/channels/news?last`), [200, 'first']);
  assert.deepEqual(await get(`${one.url}/two/deep/channels/news?last`), [200, 'second']);
  assert.deepEqual(await get(`${one.url}/channels/news`), [404, 'the app']);
  const socket = await one.socket('/two/deep/channels/news');
  assert.equal(two.clients.size, 1);
  socket.terminate();
});

for (const base of ['', 'live', '/live?x', '/a/../b', '//', '/{name}', '/a b']) {
  test(`${JSON.stringify(base)} is no base`, () => {
    const attach = (): unknown => new Hub().attach(createServer(), { base });
    if (base === '') assert.doesNotThrow(attach);
    else assert.throws(attach, { code: 'PB_HUB_OPTION' });
  });
}

test('handle answers one request, or does nothing', async (t) => {
  const hub = new Hub(OPEN);
  const server = createServer((request, response) => {
    if (!hub.handle(request, response, { base: '/live' })) response.end('the app');
  });
  const url = await listen(t, server, hub);
  assert.equal((await get(`${url}/live/channels/news`))[0], 200);
  assert.deepEqual(await get(`${url}/channels/news`), [200, 'the app']);
  // Nobody listens for upgrades: the handshake arrives as a request, and is told that it does not work like this.
  await assert.rejects(
    fetch(`${url}/live/channels/news`, { headers: { 'Sec-WebSocket-Key': 'x' } }).then(async (response) => {
      assert.equal(response.headers.get('upgrade'), 'websocket');
      throw Object.assign(new Error(), { status: response.status, problem: await response.json() });
    }),
    (error: { status: number; problem: { code: string } }) => {
      assert.equal(error.status, 426);
      return error.problem.code === 'PB_HANDSHAKE_UPGRADE_MISSING';
    },
  );
});

test('an upgrade to anything but websocket is ignored, body included (RFC 9110 §7.8)', async (t) => {
  const site = await Site.start(t);
  const client = await RawHttp.connect(t, site.port);
  const fields = ['Host: x', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQ'];
  client.send(['POST /channels/news HTTP/1.1', ...fields, 'Content-Length: 5'], 'hello');
  assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 201 /);
  assert.equal(await (await site.fetch('/channels/news?last')).text(), 'hello');
});

test('with a checkContinue listener, the body is asked for, unless it is refused before', async (t) => {
  const site = await Site.start(t, { namespaces: [{ match: '*', publish: 'anyone', maxMessageSize: 8 }] });
  site.server.on('checkContinue', () => assert.fail('it is not for the application'));
  const head = ['POST /channels/news HTTP/1.1', 'Host: x', 'Expect: 100-continue'];
  const good = await RawHttp.connect(t, site.port);
  good.send([...head, 'Content-Length: 5']);
  assert.match(await good.until('\r\n\r\n'), /^HTTP\/1\.1 100 /);
  good.socket.write('hello');
  assert.match(await good.until('\r\n\r\n'), /^HTTP\/1\.1 201 /);
});

test('a WebSocket and an application share the port', async (t) => {
  const site = await Site.start(t, { ...OPEN, app: (_request, response) => void response.end('the app') });
  const client = await RawHttp.connect(t, site.port);
  client.send(['GET /channels/news HTTP/1.1', ...HANDSHAKE]);
  assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 101 /);
  assert.equal(await (await site.fetch('/')).text(), 'the app');
  const elsewhere = await RawHttp.connect(t, site.port);
  elsewhere.send(['GET /elsewhere HTTP/1.1', ...HANDSHAKE]);
  assert.match(await elsewhere.over, /^HTTP\/1\.1 404 /);
});
