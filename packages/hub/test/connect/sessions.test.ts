import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Action, type Authenticator, Hub } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import { messages, post, serve, type Site, Socket, Stream } from './support/site.ts';

const hello = { versions: [1] };
const PRIVATE = [{ match: '*', subscribe: 'granted', publish: 'granted', presence: true }] as const;

/** Everybody is who they say; what they may do can be changed. */
function users(actions: Action[] = ['publish', 'subscribe', 'history']): Authenticator {
  return {
    authenticate({ authorization }) {
      if (authorization === undefined) return undefined;
      const id = /^Bearer (\w+)$/.exec(authorization)?.[1];
      if (id === undefined) throw new WireError('PB_UNAUTHENTICATED');
      return { id, grants: [{ actions: [...actions], channels: ['*'] }] };
    },
  };
}

const bearer = (name: string) => ({ headers: { Authorization: `Bearer ${name}` } });

/** What becomes of a hello, by all ways in: a code where it is refused, else the id of the client. */
async function outcomes(t: Parameters<typeof serve>[0], { port }: Site, session: unknown, name?: string) {
  const credentials = name === undefined ? {} : bearer(name);
  const inHello = name === undefined ? {} : { authorization: `Bearer ${name}` };
  const results: unknown[] = [];
  for (const [options, said] of [
    [credentials, {}],
    [{}, inHello],
  ] as const) {
    const socket = await Socket.open(t, port, options);
    socket.send({ type: 'hello', ...hello, session, ...said });
    const first = await socket.feed.next();
    results.push(first['code'] ?? first['client']);
    const { text } = await post(port, { hello: { ...hello, session, ...said } }, options);
    const answer = JSON.parse(text) as { code?: string; messages?: { client: string }[] };
    results.push(answer.code ?? answer.messages![0]!.client);
  }
  return [...new Set(results)];
}

test('a session brings back the client and its principal, by every way in, without credentials', async (t) => {
  const site = await serve(t, { authenticator: users(), namespaces: PRIVATE });
  const { welcome } = await Socket.enter(t, site.port, { authorization: 'Bearer ada' });
  assert.deepEqual(await outcomes(t, site, welcome['session']), [welcome['client']]);
  assert.deepEqual(await outcomes(t, site, welcome['session'], 'ada'), [welcome['client']]);
  const { socket } = await Socket.enter(t, site.port, { session: welcome['session'] });
  assert.equal((await socket.ask({ type: 'publish', channel: 'a', data: 1 })).type, 'published');
  await socket.ask({ type: 'subscribe', channel: 'a' });
  const { members } = await socket.ask({ type: 'presence', channel: 'a' });
  assert.deepEqual(members, [{ client: welcome['client'], principal: 'ada' }]);
});

test('a session is worth nothing to somebody else, and nobody can be made to take one over', async (t) => {
  const site = await serve(t, { authenticator: users(), namespaces: PRIVATE });
  const { welcome: ada } = await Socket.enter(t, site.port, { authorization: 'Bearer ada' });
  assert.deepEqual(await outcomes(t, site, ada['session'], 'bob'), ['PB_SESSION_INVALID']);
  // A session of nobody, which an attacker had before the victim logs in with it.
  const { welcome: nobody } = await Socket.enter(t, site.port);
  assert.deepEqual(await outcomes(t, site, nobody['session'], 'ada'), ['PB_SESSION_INVALID']);
  assert.deepEqual(await outcomes(t, site, nobody['session']), [nobody['client']]);
});

test('nobody chooses the id of a client', async (t) => {
  const site = await serve(t);
  const { welcome: victim } = await Socket.enter(t, site.port);
  for (const claim of [{ client: victim['client'] }, { id: 1, client: victim['client'] }, { principal: 'ada' }]) {
    const { welcome } = await Socket.enter(t, site.port, claim);
    assert.notEqual(welcome['client'], victim['client']);
  }
  assert.deepEqual(await outcomes(t, site, victim['client']), ['PB_SESSION_INVALID']);
});

test('a token that was changed, is of another key, or has expired is refused', async (t) => {
  const site = await serve(t, { authenticator: users() });
  const { welcome } = await Socket.enter(t, site.port, { authorization: 'Bearer ada' });
  const token = welcome['session'] as string;
  const [claims = '', mac = ''] = token.split('.');
  const forged = Buffer.from(Buffer.from(claims, 'base64url').toString().replace('ada', 'bob')).toString('base64url');
  const session = { client: welcome['client'] as string, principal: undefined };
  const foreign = new Hub();
  for (const changed of [
    `${forged}.${mac}`,
    `${claims}.`,
    claims,
    '',
    '.',
    `${token}.${mac}`,
    `${claims}.${mac.slice(0, -2)}`,
    `${claims}.${'A'.repeat(mac.length)}`,
    `A${token.slice(1)}`,
    foreign.sessions.issue(session),
  ]) {
    assert.deepEqual(await outcomes(t, site, changed), ['PB_SESSION_INVALID'], changed);
  }
  const old = site.hub.sessions.issue(session, Date.now() - site.hub.limits.sessionLifetime);
  assert.deepEqual(await outcomes(t, site, old), ['PB_SESSION_EXPIRED']);
  await foreign.close();
});

test('who shows credentials with the session may do what these allow now', async (t) => {
  const grants: Action[] = ['publish'];
  const site = await serve(t, { authenticator: users(grants), namespaces: PRIVATE });
  const { welcome } = await Socket.enter(t, site.port, { authorization: 'Bearer ada' });
  grants.length = 0;
  const body = {
    hello: { ...hello, session: welcome['session'] },
    commands: [{ type: 'publish', id: 1, channel: 'a', data: 1 }],
  };
  const [renewed, refused] = await messages(site.port, body, bearer('ada'));
  assert.equal(refused!['code'], 'PB_FORBIDDEN');
  const again = { ...body, hello: { ...hello, session: renewed!['session'] } };
  assert.equal((await messages(site.port, again))[1]!['code'], 'PB_FORBIDDEN');
});

test('two connections of one session are one member, and each hears everything', async (t) => {
  const site = await serve(t);
  const { socket: first, welcome } = await Socket.enter(t, site.port);
  const session = { ...hello, session: welcome['session'] };
  await first.ask({ type: 'subscribe', channel: 'a' });
  const second = await Stream.open(t, site.port, 'ndjson', {
    hello: session,
    commands: [{ type: 'subscribe', channel: 'a' }],
  });
  await second.feed.next('subscribed');
  await site.hub.channel('a').publish('both');
  assert.equal((await first.feed.next('publication'))['data'], 'both');
  assert.equal((await second.feed.next('publication'))['data'], 'both');
  const one = [{ client: welcome['client'] }];
  assert.deepEqual(await site.hub.members('a'), one);
  await first.close();
  assert.deepEqual(await site.hub.members('a'), one);
  await second.close();
  await site.until(async () => (await site.hub.members('a')).length === 0);
});

test('who returns with a session alone may do what the authenticator says by now, and nothing where it takes it back', async (t) => {
  const rights = new Map<string, Action[]>([['ada', ['publish', 'subscribe']]]);
  const authenticator: Authenticator = {
    ...users(['publish', 'subscribe', 'history']),
    renew({ id }) {
      const actions = rights.get(id);
      return actions && { id, grants: [{ actions, channels: ['*'] }] };
    },
  };
  const site = await serve(t, { authenticator, namespaces: PRIVATE });
  const { welcome } = await Socket.enter(t, site.port, { authorization: 'Bearer ada' });
  const body = {
    hello: { ...hello, session: welcome['session'] },
    commands: [
      { type: 'publish', id: 1, channel: 'a', data: 1 },
      { type: 'history', id: 2, channel: 'a' },
    ],
  };
  const types = async () => (await messages(site.port, body)).map(({ type }) => type);
  assert.deepEqual(await types(), ['welcome', 'published', 'error']);
  rights.set('ada', ['history']);
  assert.deepEqual(await types(), ['welcome', 'error', 'history']);
  rights.delete('ada');
  assert.deepEqual(await outcomes(t, site, welcome['session']), ['PB_SESSION_INVALID']);
  assert.deepEqual(await outcomes(t, site, welcome['session'], 'ada'), [welcome['client']]);
  // A session of nobody has nothing that could be taken back.
  const { welcome: nobody } = await Socket.enter(t, site.port);
  assert.deepEqual(await outcomes(t, site, nobody['session']), [nobody['client']]);
});
