// A cookie jar that others wrote, as the guide to the client has it.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect, Refusal, WebSocketServer } from '@pulsebeacon/websocket';
import { CookieJar } from 'tough-cookie';

test('tough-cookie keeps what servers set, for the host and the path that it is for', async (t) => {
  const seen: (string | undefined)[] = [];
  const server = new WebSocketServer({
    path: ['/login', '/live', '/other'],
    authorize({ path, headers }) {
      seen.push(headers.get('cookie'));
      if (path === '/live') return { headers: { 'Set-Cookie': 'last=3; Path=/live' } };
      const cookies = ['session=1; HttpOnly; Path=/live', 'foreign=2; Domain=example.com'];
      return path === '/login'
        ? new Refusal(302, { headers: { Location: '/live', 'Set-Cookie': cookies } })
        : undefined;
    },
  });
  const host = createServer().listen(0, '127.0.0.1');
  await once(host, 'listening');
  server.attach(host);
  t.after(async () => {
    await server.close();
    host.close();
  });
  const { port } = host.address() as AddressInfo;
  const cookieJar = new CookieJar();
  for (const path of ['login', 'live', 'other']) {
    const connection = await connect(`ws://127.0.0.1:${port}/${path}`, { cookieJar, redirects: {} });
    connection.close();
  }
  assert.deepEqual(seen, [undefined, 'session=1', 'session=1; last=3', undefined]);
});
