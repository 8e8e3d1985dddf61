import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect as open } from '@pulsebeacon/websocket';
import { OPEN, Site, type SiteOptions } from '../support/site.ts';
import { HANDSHAKE, leaveAtAnyPoint, RawHttp } from '../support/raw-http.ts';
import { SlowReader } from '../support/slow-reader.ts';

type Message = Record<string, unknown>;

/** A WebSocket whose messages are taken one by one. */
class Socket {
  readonly send: (data: string | Uint8Array) => void;
  readonly protocol: string;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly terminate: () => void;
  private readonly messages: (string | Uint8Array)[];
  private readonly waiting: { wake?: () => void };

  private constructor(
    connection: Awaited<ReturnType<typeof open>>,
    closed: Socket['closed'],
    messages: (string | Uint8Array)[],
    waiting: { wake?: () => void },
  ) {
    this.messages = messages;
    this.waiting = waiting;
    this.send = (data) => void connection.send(data);
    this.terminate = () => connection.terminate();
    this.protocol = connection.protocol;
    this.closed = closed;
  }

  static async open(t: TestContext, site: Site, query = '', subprotocols: readonly string[] = []): Promise<Socket> {
    // Messages may come before there is a socket to give them to.
    const messages: (string | Uint8Array)[] = [];
    const waiting: { wake?: () => void } = {};
    let onClosed!: (closed: { code: number; reason: string }) => void;
    const closed = new Promise<{ code: number; reason: string }>((resolve) => (onClosed = resolve));
    const url = `${site.url.replace('http', 'ws')}/channels/news${query}`;
    const connection = await open(url, {
      subprotocols,
      message: (_connection, data) => {
        messages.push(data);
        waiting.wake?.();
      },
      close: (_connection, code, reason) => onClosed({ code, reason }),
    });
    t.after(() => connection.terminate());
    return new Socket(connection, closed, messages, waiting);
  }

  static envelope(t: TestContext, site: Site, query = ''): Promise<Socket> {
    return Socket.open(t, site, query, ['pulsebeacon.json']);
  }

  async next(): Promise<string | Uint8Array> {
    while (this.messages.length === 0) await new Promise<void>((resolve) => (this.waiting.wake = resolve));
    return this.messages.shift()!;
  }

  async json(): Promise<Message> {
    return JSON.parse((await this.next()) as string) as Message;
  }

  async ask(command: object): Promise<Message> {
    this.send(JSON.stringify(command));
    return this.json();
  }
}

const LIMITED: SiteOptions = { namespaces: [{ match: '*', publish: 'anyone', maxMessageSize: 1000 }] };

test('raw: payloads alone, down and up; a publisher hears itself', async (t) => {
  const site = await Site.start(t);
  const [one, two] = await Promise.all([Socket.open(t, site), Socket.open(t, site)]);
  assert.equal(one.protocol, '');
  await site.until(() => site.hub.counts().subscriptions === 2);
  one.send('grüß dich');
  for (const socket of [one, two]) assert.equal(await socket.next(), 'grüß dich');
  two.send(Buffer.of(0, 255));
  for (const socket of [one, two])
    assert.deepEqual(Buffer.from((await socket.next()) as Uint8Array), Buffer.of(0, 255));
  await site.post('/channels/news', '{"a": 1}', { 'Content-Type': 'application/json' });
  assert.equal(await one.next(), '{"a": 1}');
  one.terminate();
  two.terminate();
  await site.connected(0);
  const { subscriptions, channels, byTransport } = site.hub.counts();
  assert.deepEqual([subscriptions, channels, byTransport.websocket], [0, 0, 0]);
});

for (const subprotocols of [[], ['pulsebeacon.json']]) {
  test(`${subprotocols[0] ?? 'raw'}: the only subscriber is given the same as many are`, async (t) => {
    const site = await Site.start(t);
    const only = await Socket.open(t, site, '', subprotocols);
    if (subprotocols.length > 0) await only.json();
    await site.until(() => site.hub.counts().subscriptions === 1);
    const given = async (): Promise<unknown[]> => {
      await site.post('/channels/news', 'grüß dich');
      await site.post('/channels/news', Buffer.of(0, 255), { 'Content-Type': 'application/octet-stream' });
      const messages = [await only.next(), await only.next()];
      if (subprotocols.length === 0) return messages;
      return messages.map((message) => ({ ...(JSON.parse(message as string) as Message), position: '', time: 0 }));
    };
    const alone = await given();
    await Socket.open(t, site, '', subprotocols);
    await site.until(() => site.hub.counts().subscriptions === 2);
    assert.deepEqual(await given(), alone);
  });
}

test('a stock WebSocket of a browser, which offers nothing, is served', async (t) => {
  const site = await Site.start(t);
  const client = await RawHttp.connect(t, site.port);
  const fields = HANDSHAKE.filter((field) => !field.startsWith('Host'));
  const browser = [`Host: 127.0.0.1:${site.port}`, `Origin: ${site.url}`, 'Sec-Fetch-Site: same-origin'];
  client.send(['GET /channels/news?since=all HTTP/1.1', ...browser, ...fields]);
  assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 101 /);
});

test('echo=0: a publisher does not hear itself', async (t) => {
  const site = await Site.start(t);
  for (const subprotocols of [[], ['pulsebeacon.json']]) {
    const socket = await Socket.open(t, site, '?echo=0', subprotocols);
    if (socket.protocol === '') socket.send('mine');
    else {
      await socket.json();
      assert.equal((await socket.ask({ type: 'publish', data: 'mine', id: 1 }))['type'], 'published');
    }
    await site.until(() => site.hub.counts().published > 0);
    await site.hub.channel('news').publish('of another');
    const heard = await socket.next();
    assert.match(heard as string, /of another/);
    socket.terminate();
    await site.connected(0);
  }
});

test('raw with since: what was missed comes first; where it is not kept, the connection says so', async (t) => {
  const site = await Site.start(t);
  const posted = await site.post('/channels/news', 'one');
  await site.post('/channels/news', 'two');
  const all = await Socket.open(t, site, '?since=all');
  assert.deepEqual([await all.next(), await all.next()], ['one', 'two']);
  const from = await Socket.open(t, site, `?since=${posted.headers.get('pulse-position')}`);
  assert.equal(await from.next(), 'two');
  const lost = await Socket.open(t, site, '?since=elsewhere.7');
  const { code, reason } = await lost.closed;
  assert.equal(code, 1008);
  assert.match(reason, /^PB_POSITION_INVALID; /);
});

test('raw: who may follow and not publish is closed with 1008 when it does', async (t) => {
  const site = await Site.start(t, { namespaces: [{ match: '*', publish: 'granted' }] });
  const socket = await Socket.open(t, site);
  socket.send('hello');
  const { code, reason } = await socket.closed;
  assert.deepEqual([code, reason.split(';')[0]], [1008, 'PB_UNAUTHENTICATED']);
  assert.equal(site.refused[0]!.code, 'PB_UNAUTHENTICATED');
  await site.connected(0);
});

test('raw: a payload that is too large is closed with 1009', async (t) => {
  const site = await Site.start(t, LIMITED);
  const socket = await Socket.open(t, site);
  socket.send('x'.repeat(1000));
  assert.equal((await socket.next()).length, 1000);
  socket.send('x'.repeat(1001));
  const { code, reason } = await socket.closed;
  assert.equal(code, 1009);
  assert.match(reason, /^PB_PAYLOAD_TOO_LARGE; the payload has 1001 bytes/);
  // What is larger than any message may be is not even read.
  const other = await Socket.open(t, site);
  other.send('x'.repeat(100_000));
  assert.equal((await other.closed).code, 1009);
});

test('raw: more than the rate of a client is closed with 1008', async (t) => {
  const site = await Site.start(t, { ...OPEN, limits: { commandRate: 1, commandBurst: 2 } });
  const socket = await Socket.open(t, site);
  for (let i = 0; i < 3; i++) socket.send('x');
  const { code, reason } = await socket.closed;
  assert.deepEqual([code, reason.split(';')[0]], [1008, 'PB_RATE']);
});

test('enveloped: more than the rate is answered, and who goes on all the same is closed with 1008', async (t) => {
  const site = await Site.start(t, { ...OPEN, limits: { commandRate: 1, commandBurst: 2 } });
  for (const flood of ['{"type":"publish","data":1}', '{"type":"nothing"}']) {
    const socket = await Socket.envelope(t, site);
    for (let i = 0; i < 20; i++) socket.send(flood);
    const { code, reason } = await socket.closed;
    assert.deepEqual([code, reason.split(';')[0]], [1008, 'PB_RATE']);
  }
});

test('enveloped: subscribed first, then publications with their positions', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/news', 'before');
  const socket = await Socket.envelope(t, site);
  assert.equal(socket.protocol, 'pulsebeacon.json');
  const subscribed = await socket.json();
  assert.deepEqual([subscribed['type'], subscribed['channel'], subscribed['recovered']], ['subscribed', 'news', true]);
  await site.post('/channels/news', 'after');
  const publication = await socket.json();
  assert.deepEqual([publication['type'], publication['data']], ['publication', 'after']);
  socket.terminate();
  await site.connected(0);
  await site.post('/channels/news', 'missed');
  const back = await Socket.envelope(t, site, `?since=${publication['position'] as string}`);
  assert.equal((await back.json())['recovered'], true);
  assert.equal((await back.json())['data'], 'missed');
});

test('enveloped by as=json, for clients that can offer no subprotocol', async (t) => {
  const site = await Site.start(t);
  const socket = await Socket.open(t, site, '?as=json');
  assert.equal(socket.protocol, '');
  assert.equal((await socket.json())['type'], 'subscribed');
});

test('enveloped: what cannot be recovered is told with the current state', async (t) => {
  const site = await Site.start(t);
  await site.post('/channels/news', 'state');
  const socket = await Socket.envelope(t, site, '?since=elsewhere.7');
  const { recovered, state } = (await socket.json()) as { recovered: boolean; state: Message };
  assert.deepEqual([recovered, state['data']], [false, 'state']);
});

test('enveloped: commands without channel are about this one', async (t) => {
  const site = await Site.start(t, { namespaces: [{ match: '*', publish: 'anyone', presence: true }] });
  const socket = await Socket.envelope(t, site, '?echo=0');
  await socket.json();
  const published = await socket.ask({ type: 'publish', id: 1, data: { a: [1] }, reach: true });
  assert.deepEqual([published['type'], published['id'], published['channel']], ['published', 1, 'news']);
  const history = await socket.ask({ type: 'history', id: 2, since: 'all' });
  assert.deepEqual(
    (history['publications'] as Message[]).map(({ data }) => data),
    [{ a: [1] }],
  );
  const presence = await socket.ask({ type: 'presence', id: 3 });
  assert.equal((presence['members'] as unknown[]).length, 1);
  assert.equal((await socket.ask({ type: 'unsubscribe', id: 4 }))['type'], 'unsubscribed');
  assert.equal((await socket.ask({ type: 'subscribe', id: 5, since: 'all' }))['type'], 'subscribed');
  assert.deepEqual((await socket.json())['data'], { a: [1] });
});

for (const [name, text, code, id] of [
  ['an unknown command', '{"type":"dance","id":7}', 'PB_MESSAGE_UNKNOWN', 7],
  ['hello', '{"type":"hello","versions":[1],"id":7}', 'PB_MESSAGE_UNKNOWN', 7],
  ['another channel', '{"type":"publish","channel":"other","data":1,"id":7}', 'PB_COMMAND_INVALID', 7],
  ['no data', '{"type":"publish","id":7}', 'PB_COMMAND_INVALID', 7],
  ['__proto__', '{"type":"__proto__","id":7}', 'PB_MESSAGE_UNKNOWN', 7],
  ['subscribed already', '{"type":"subscribe","id":7}', 'PB_ALREADY_SUBSCRIBED', 7],
  ['no such presence', '{"type":"presence","id":7}', 'PB_NO_PRESENCE', 7],
  ['too large', `{"type":"publish","id":7,"data":"${'x'.repeat(2000)}"}`, 'PB_PAYLOAD_TOO_LARGE', 7],
] as const) {
  test(`enveloped: ${name} is answered with ${code}, and the connection lives on`, async (t) => {
    const site = await Site.start(t, LIMITED);
    const socket = await Socket.envelope(t, site);
    await socket.json();
    socket.send(text);
    const error = await socket.json();
    assert.deepEqual([error['type'], error['code'], error['id']], ['error', code, id]);
    socket.send('{"type":"publish","data":"still there"}');
    assert.equal((await socket.json())['data'], 'still there');
    assert.equal(site.refused[0]!.code, code);
  });
}

for (const [name, data, code] of [
  ['no JSON', '{', 'PB_MESSAGE_INVALID'],
  ['a list', '[]', 'PB_MESSAGE_INVALID'],
  ['too deep', '['.repeat(50_000), 'PB_MESSAGE_DEPTH'],
  ['bytes', Buffer.from('{}'), 'PB_MESSAGE_INVALID'],
] as const) {
  test(`enveloped: ${name} is no message: ${code}, bye and 1008`, async (t) => {
    const site = await Site.start(t);
    const socket = await Socket.envelope(t, site);
    await socket.json();
    socket.send(data);
    const [error, bye] = [await socket.json(), await socket.json()];
    assert.deepEqual([error['type'], error['code'], bye['type'], bye['code']], ['error', code, 'bye', code]);
    assert.equal((await socket.closed).code, 1008);
    await site.connected(0);
  });
}

test('enveloped: who may not publish is told so, and goes on to follow', async (t) => {
  const site = await Site.start(t, { namespaces: [{ match: '*', publish: 'nobody' }] });
  const socket = await Socket.envelope(t, site);
  await socket.json();
  assert.equal((await socket.ask({ type: 'publish', data: 1, id: 1 }))['code'], 'PB_FORBIDDEN');
  await site.hub.channel('news').publish('by the server');
  assert.equal((await socket.json())['data'], 'by the server');
});

test('enveloped: heartbeats, as long as nothing else is sent', async (t) => {
  const site = await Site.start(t, { ...OPEN, limits: { keepAlive: 40 } });
  const socket = await Socket.envelope(t, site);
  await socket.json();
  assert.deepEqual(await socket.json(), { type: 'heartbeat' });
});

test('drained: 1012 with a hint when to come back; new handshakes get 503', async (t) => {
  const site = await Site.start(t);
  const raw = await Socket.open(t, site);
  const enveloped = await Socket.envelope(t, site);
  await enveloped.json();
  await site.hub.drain(0);
  const bye = await enveloped.json();
  assert.deepEqual([bye['type'], bye['code'], bye['retry']], ['bye', 'PB_HUB_DRAINING', true]);
  for (const socket of [raw, enveloped]) {
    const { code, reason } = await socket.closed;
    assert.equal(code, 1012);
    assert.match(reason, /^PB_HUB_DRAINING; retry after \d+ ms/);
  }
  await assert.rejects(Socket.open(t, site), { status: 503, retryAfter: 5 });
  await site.connected(0);
});

for (const [query, code] of [
  ['?since=yesterday', 'PB_POSITION_INVALID'],
  ['?echo=perhaps', 'PB_QUERY_INVALID'],
  ['?as=sse', 'PB_QUERY_INVALID'],
  ['?as=json&as=json', 'PB_QUERY_INVALID'],
] as const) {
  test(`a handshake with ${query} is refused with ${code}`, async (t) => {
    const site = await Site.start(t);
    await assert.rejects(Socket.open(t, site, query), ({ status, body }: { status: number; body: string }) => {
      assert.equal((JSON.parse(body) as Message)['code'], code);
      return status === 400;
    });
    assert.equal(site.refused[0]!.code, code);
  });
}

for (const subprotocols of [[], ['pulsebeacon.json']] as const) {
  const name = subprotocols[0] ?? 'raw';
  test(`${name}: a client that does not read is closed with 1013, while others are served`, async (t) => {
    let isSlow = false;
    const limits = { maxQueuedBytes: 200_000, writeTimeout: 60_000 };
    const site = await Site.start(t, { ...OPEN, limits, hooks: { limited: () => (isSlow = true) } });
    const healthy = await Socket.open(t, site);
    const offer = subprotocols.map((subprotocol) => `Sec-WebSocket-Protocol: ${subprotocol}`);
    const slow = await SlowReader.connect(t, site.port, ['GET /channels/news HTTP/1.1', ...HANDSHAKE, ...offer]);
    await site.connected(2);
    let published = 0;
    for (; !isSlow; published++) {
      await site.hub.channel('news').publish('x'.repeat(50_000));
      await new Promise(setImmediate);
    }
    for (let i = 0; i < published; i++) assert.equal((await healthy.next()).length, 50_000);
    // Code and reason of its close frame, behind what was sent to it before.
    await slow.readTo(Buffer.concat([Buffer.of(1013 >> 8, 1013 & 255), Buffer.from('PB_SLOW_SUBSCRIBER;')]));
    await site.connected(1);
    assert.equal(site.hub.congested.size, 0);
  });
}

test('a broker that fails: the connection ends with 1013', async (t) => {
  const site = await Site.start(t);
  const sockets = [await Socket.open(t, site), await Socket.envelope(t, site)];
  await sockets[1]!.json();
  await site.until(() => site.hub.counts().subscriptions === 2);
  site.hub.broker.history = () => Promise.reject(new Error('the disk is gone'));
  for (const channel of site.hub.activeChannels) channel.gap();
  for (const socket of [...sockets, await Socket.open(t, site)]) assert.equal((await socket.closed).code, 1013);
  await site.connected(0);
});

test('a hundred publications in one turn reach everybody in order', async (t) => {
  const site = await Site.start(t);
  const sockets = await Promise.all([Socket.open(t, site), Socket.envelope(t, site)]);
  await sockets[1].json();
  await site.until(() => site.hub.counts().subscriptions === 2);
  for (let i = 0; i < 100; i++) sockets[0].send(String(i));
  for (let i = 0; i < 100; i++) {
    assert.equal(await sockets[0].next(), String(i));
    assert.equal((await sockets[1].json())['data'], String(i));
  }
});

test('clients that go away at any point of the handshake leave nothing behind', async (t) => {
  const site = await Site.start(t);
  const request = `${['GET /channels/news?since=all HTTP/1.1', ...HANDSHAKE].join('\r\n')}\r\n\r\n`;
  await leaveAtAnyPoint(t, site.port, request, '\r\n\r\n');
  await site.connected(0);
  const { open: clients, subscriptions, channels } = site.hub.counts();
  assert.deepEqual([clients, subscriptions, channels], [0, 0, 0]);
});
