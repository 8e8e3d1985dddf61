import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { Hub, type Principal } from '@pulsebeacon/hub';
import { requireAllowed } from '#dist/access.js';
import { type Audience, Namespaces } from '#dist/namespaces.js';
import { newSession, SessionTokens } from '#dist/session-token.js';
import { connect } from './support/test-outlet.ts';

const ANN: Principal = { id: 'ann', grants: [{ actions: ['publish', 'subscribe'], channels: ['chat:*', 'news'] }] };

test('who may do what: anyone, those with a grant, or the server alone; 401 where credentials may help', () => {
  const attempt = (audience: Audience, principal: Principal | undefined, channel: string): string => {
    const rules = new Namespaces([{ match: '*', publish: audience }]).rulesOf(channel);
    try {
      requireAllowed(principal, 'publish', channel, rules);
      return 'yes';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const matrix: [Audience, Principal | undefined, string, string][] = [
    ['anyone', undefined, 'chat:1', 'yes'],
    ['anyone', { id: 'x', grants: [] }, 'chat:1', 'yes'],
    ['granted', undefined, 'chat:1', 'PB_UNAUTHENTICATED'],
    ['granted', { id: 'x', grants: [] }, 'chat:1', 'PB_FORBIDDEN'],
    ['granted', ANN, 'chat:1', 'yes'],
    ['granted', ANN, 'chat:', 'yes'],
    ['granted', ANN, 'news', 'yes'],
    ['granted', ANN, 'news2', 'PB_FORBIDDEN'],
    ['granted', ANN, 'Chat:1', 'PB_FORBIDDEN'],
    ['nobody', ANN, 'chat:1', 'PB_FORBIDDEN'],
    ['nobody', undefined, 'chat:1', 'PB_FORBIDDEN'],
  ];
  for (const [audience, principal, channel, expected] of matrix) {
    assert.equal(attempt(audience, principal, channel), expected, `${audience} ${principal?.id} ${channel}`);
  }
});

test('each action has its own grant, and the history is as open as the channel unless said otherwise', () => {
  const rules = new Namespaces([{ match: '*', subscribe: 'granted' }]).rulesOf('news');
  assert.doesNotThrow(() => requireAllowed(ANN, 'subscribe', 'news', rules));
  assert.throws(() => requireAllowed(ANN, 'history', 'news', rules), {
    code: 'PB_FORBIDDEN',
    message: 'ann may not read the history of news',
  });
  assert.throws(() => requireAllowed(undefined, 'history', 'news', rules), {
    code: 'PB_UNAUTHENTICATED',
    message: 'credentials are needed to read the history of news',
  });
});

test('a grant that cannot be read is a fault of the server, which the client is not told of', async () => {
  const failures: unknown[] = [];
  const hub = new Hub({
    namespaces: [{ match: '*', subscribe: 'granted' }],
    hooks: { failed: (error) => failures.push(error) },
  });
  const outlet = connect(hub, { principal: { id: 'x', grants: [{ actions: ['subscribe'], channels: ['a b'] }] } });
  await outlet.client.execute({ type: 'subscribe', channel: 'c', echo: true });
  assert.equal(outlet.of('error')[0]!.code, 'PB_HUB_FAILED');
  assert.match(String(failures[0]), /a grant of a principal: "a b" is no pattern/);
  await hub.close();
});

test('without the right to the history, a client may follow but not come back with a position', async () => {
  const hub = new Hub({ namespaces: [{ match: '*', readHistory: 'nobody' }] });
  const outlet = connect(hub);
  await outlet.client.execute({ type: 'subscribe', channel: 'c', echo: true, since: 'all' });
  await outlet.client.execute({ type: 'subscribe', channel: 'c', echo: true });
  assert.deepEqual(
    outlet.messages.map(({ type }) => type),
    ['error', 'subscribed'],
  );
  await hub.close();
});

test('a session token gives back who it was issued to', () => {
  const tokens = new SessionTokens('a key of all nodes', 1000);
  for (const principal of [undefined, ANN]) {
    const session = newSession(principal);
    assert.match(session.client, /^[\w-]{22}$/);
    assert.deepEqual(new SessionTokens('a key of all nodes', 1).read(tokens.issue(session)), session);
  }
});

test('no two sessions have the same id', () => {
  const ids = Array.from({ length: 1000 }, () => newSession(undefined).client);
  assert.equal(new Set(ids).size, ids.length);
});

test('a session token is signed by HMAC-SHA256, by a key of its own from the secret', () => {
  const [claims, mac] = new SessionTokens('a key of all nodes', 1000).issue(newSession(ANN)).split('.') as [
    string,
    string,
  ];
  const key = createHmac('sha256', 'a key of all nodes').update('pulsebeacon session v1').digest();
  assert.equal(mac, createHmac('sha256', key).update(claims).digest('base64url'));
});

test('a session token that was changed, of another key, or no token at all is not valid; an old one has expired', () => {
  const tokens = new SessionTokens('a key of all nodes', 1000);
  const token = tokens.issue(newSession(ANN), 0);
  const [claims, mac] = token.split('.') as [string, string];
  const forged = Buffer.from(JSON.stringify({ v: 1, c: 'x', e: 9e15 })).toString('base64url');
  const wrong = [
    '',
    '.',
    claims,
    `${claims}.`,
    `.${mac}`,
    `${token}.`,
    `${token}.${mac}`,
    `.${token}`,
    `${token}=`,
    `${claims}.${mac.slice(0, -1)}`,
    `${forged}.${mac}`,
    `${claims}.${'ä'.repeat(mac.length)}`,
    `${claims}.${Buffer.from(mac, 'base64url').toString('hex')}`,
    new SessionTokens('a key of others', 1000).issue(newSession(ANN), 0),
    '.'.repeat(1_000_000),
    'x'.repeat(1_000_000),
  ];
  for (const text of wrong)
    assert.throws(() => tokens.read(text, 0), { code: 'PB_SESSION_INVALID' }, text.slice(0, 50));
  for (let at = 0; at < token.length; at++) {
    for (const other of ['A', 'B', '_']) {
      if (token[at] === other) continue;
      const changed = token.slice(0, at) + other + token.slice(at + 1);
      assert.throws(() => tokens.read(changed, 0), { code: 'PB_SESSION_INVALID' });
    }
  }
  assert.ok(tokens.read(token, 999));
  assert.throws(() => tokens.read(token, 1000), { code: 'PB_SESSION_EXPIRED' });
});

test('namespaces: the first that matches counts, and what none matches has the defaults', () => {
  const namespaces = new Namespaces([
    { match: 'chat:lobby', rate: 1 },
    { match: 'chat:*', rate: 2, history: { size: 0 } },
  ]);
  assert.deepEqual(
    ['chat:lobby', 'chat:1', 'news'].map((name) => namespaces.rulesOf(name).rate),
    [1, 2, Infinity],
  );
  assert.deepEqual(namespaces.rulesOf('news'), {
    retention: { size: 300, ageMs: 300_000 },
    presence: false,
    joinLeave: false,
    subscribe: 'anyone',
    publish: 'granted',
    readHistory: 'anyone',
    maxMessageSize: 1_048_576,
    rate: Infinity,
    slowConsumer: 'close',
  });
});

test('rules that contradict themselves, or are none, are refused with a sentence', () => {
  const cases: [unknown[], RegExp][] = [
    [
      [{ match: 'a', slowConsumer: 'spill', history: { size: 0 } }],
      /a: slowConsumer spill is served from the history: give it a size/,
    ],
    [[{ match: 'a', joinLeave: true }], /a: joinLeave needs presence: set it, too/],
    [[{ match: 'a', slowConsumer: 'wait' }], /a: slowConsumer is wait: pass one of close, drop, conflate, spill/],
    [[{ match: 'a', publish: 'all' }], /a: publish is all: pass one of anyone, granted, nobody/],
    [[{ match: 'a', presence: 'yes' }], /a: presence is yes: pass true or false/],
    [[{ match: 'a', history: { size: -1 } }], /a: history.size is -1: pass a whole number from 0/],
    [[{ match: 'a', history: { age: 1 } }], /a: there is no rule age: there are size, ageMs/],
    [[{ match: 'a', rates: 1 }], /a: there is no rule rates: there are match, /],
    [[{ match: 'a', rate: Number.NaN }], /a: rate is NaN/],
    [[{}], /match is missing/],
    [
      [{ match: '*' }, { match: 'chat:*' }],
      /chat:\*: \* stands before it and matches all of its channels: put it first/,
    ],
    [[{ match: 'a*' }, { match: 'ab*c' }], /ab\*c: a\* stands before it/],
  ];
  for (const [options, message] of cases) {
    assert.throws(() => new Namespaces(options as never), { code: 'PB_HUB_OPTION', message });
  }
  assert.throws(() => new Namespaces([{ match: 'a b' }]), { code: 'PB_CHANNEL_NAME' });
  assert.doesNotThrow(() => new Namespaces([{ match: 'ab*' }, { match: 'a*' }]));
});
