import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Authenticator, HubRequest } from '@pulsebeacon/hub';
import { HandshakeError, Refusal } from '@pulsebeacon/websocket';
import { WireError } from '@pulsebeacon/wire';
import { problemOf, Site, type SiteOptions } from '../support/site.ts';

const GRANTED: SiteOptions = { namespaces: [{ match: '*', subscribe: 'granted' }] };
const ADA = { id: 'ada', grants: [{ actions: ['subscribe', 'publish', 'history'], channels: ['news'] }] } as const;

class Keys implements Authenticator {
  readonly challenge = 'Bearer realm="news"';
  asked = 0;
  authenticate({ authorization }: { authorization: string | undefined }): Promise<typeof ADA | undefined> {
    this.asked++;
    if (authorization === undefined) return Promise.resolve(undefined);
    if (authorization === 'Bearer ada') return Promise.resolve(ADA);
    return Promise.reject(new WireError('PB_UNAUTHENTICATED', 'this key is not valid'));
  }
}

const DOORS: readonly (readonly [string, string, RequestInit])[] = [
  ['history', '/channels/news', {}],
  ['last', '/channels/news?last', {}],
  ['a stream', '/channels/news?follow', {}],
  ['an event stream', '/channels/news?as=sse', {}],
  ['a poll', '/channels/news?wait=0', {}],
  ['POST', '/channels/news', { method: 'POST', body: 'x' }],
];

for (const [name, path, init] of DOORS) {
  test(`${name}: 401 with a challenge, 403, and in; asked once for each request`, async (t) => {
    const authenticator = new Keys();
    const site = await Site.start(t, { ...GRANTED, authenticator });
    const ask = (authorization: string, at = path): Promise<Response> =>
      site.fetch(at, { ...init, headers: authorization === '' ? {} : { Authorization: authorization } });
    const missing = await ask('');
    assert.equal(missing.status, 401);
    assert.equal(missing.headers.get('www-authenticate'), 'Bearer realm="news"');
    assert.equal((await problemOf(missing))['code'], 'PB_UNAUTHENTICATED');
    assert.equal((await problemOf(await ask('Bearer eve')))['detail'], 'this key is not valid');
    assert.equal((await ask('Bearer ada', path.replace('news', 'other'))).status, 403);
    assert.equal(authenticator.asked, 3);
    const allowed = await ask('Bearer ada');
    assert.ok([200, 201, 204, 404].includes(allowed.status), String(allowed.status));
    await allowed.body?.cancel();
    assert.equal(authenticator.asked, 4);
    await site.connected(0);
  });
}

test('a handshake: 401 with a challenge, 403, and in', async (t) => {
  const authenticator = new Keys();
  const site = await Site.start(t, { ...GRANTED, authenticator });
  const open = (headers: Record<string, string>, path = '/channels/news'): Promise<unknown> =>
    site.socket(path, { headers });
  const refusedWith = (status: number, code: string) => (error: HandshakeError) => {
    assert.equal(error.status, status);
    assert.match(error.body, new RegExp(code));
    if (status === 401) assert.equal(error.headers.get('www-authenticate'), 'Bearer realm="news"');
    return true;
  };
  await assert.rejects(open({}), refusedWith(401, 'PB_UNAUTHENTICATED'));
  await assert.rejects(open({ Authorization: 'Bearer ada' }, '/channels/other'), refusedWith(403, 'PB_FORBIDDEN'));
  assert.deepEqual(
    site.refused.map(({ code }) => code),
    ['PB_UNAUTHENTICATED', 'PB_FORBIDDEN'],
  );
  await open({ Authorization: 'Bearer ada' });
  assert.equal(authenticator.asked, 3);
});

test('an authenticator that takes too long is 503, by HTTP and for a handshake', async (t) => {
  const authenticator: Authenticator = { authenticate: () => new Promise(() => {}) };
  const site = await Site.start(t, { ...GRANTED, authenticator, limits: { authenticateTimeout: 20 } });
  const response = await site.fetch('/channels/news?follow');
  assert.equal(response.status, 503);
  assert.equal(response.headers.get('retry-after'), '5');
  assert.equal((await problemOf(response))['code'], 'PB_AUTH_TIMEOUT');
  await assert.rejects(site.socket('/channels/news'), (error: HandshakeError) => error.status === 503);
});

test('an authenticator that fails is a fault of the server, which the client is not told', async (t) => {
  const fault = new TypeError('secret of the server');
  const authenticator: Authenticator = {
    authenticate: () => {
      throw fault;
    },
  };
  const site = await Site.start(t, { ...GRANTED, authenticator });
  const response = await site.fetch('/channels/news');
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /secret/);
  assert.deepEqual(site.failures, [fault]);
});

test('a client that goes away while it is authenticated leaves nothing behind', async (t) => {
  let decide: ((principal: typeof ADA) => void) | undefined;
  let onAsked: (() => void) | undefined;
  const asked = new Promise<void>((resolve) => (onAsked = resolve));
  const authenticator: Authenticator = {
    authenticate: () =>
      new Promise((resolve) => {
        decide = resolve;
        onAsked!();
      }),
  };
  const site = await Site.start(t, { ...GRANTED, authenticator });
  const gone = new Promise((resolve) => site.server.once('connection', (socket) => socket.once('close', resolve)));
  const abort = new AbortController();
  site.fetch('/channels/news?follow', { signal: abort.signal }).catch(() => {});
  await asked;
  abort.abort();
  await gone;
  decide!(ADA);
  await new Promise(setImmediate);
  assert.equal(site.hub.counts().accepted, 0);
});

test('admit is asked before anything else, for live clients and for publications', async (t) => {
  const asked: string[] = [];
  const hooks = {
    admit: ({ method, path, hasQuery }: HubRequest): Refusal | undefined => {
      asked.push(`${method} ${path} ${hasQuery}`);
      return path.endsWith('/full')
        ? new Refusal(429, { code: 'APP_TOO_MANY', detail: 'too many from here', headers: { 'X-Why': 'cap' } })
        : undefined;
    },
  };
  const site = await Site.start(t, { namespaces: [{ match: '*', publish: 'anyone' }], hooks });
  for (const query of ['?follow', '?as=sse', '?wait=0']) {
    const response = await site.fetch(`/channels/full${query}`);
    assert.equal(response.status, 429);
    assert.equal(response.headers.get('x-why'), 'cap');
    assert.deepEqual(await problemOf(response), {
      type: 'about:blank',
      title: 'Too Many Requests',
      status: 429,
      detail: 'too many from here',
      code: 'APP_TOO_MANY',
    });
  }
  assert.equal((await site.post('/channels/full', 'x', { Origin: 'http://evil' })).status, 429);
  await assert.rejects(site.socket('/channels/full'), (error: HandshakeError) => error.status === 429);
  await site.fetch('/channels/full');
  await site.fetch('/channels/full?last');
  assert.equal(asked.length, 5);
});
