import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, test, type TestContext } from 'node:test';
import {
  type OpeningRequest,
  Refusal,
  type RefusedEvent,
  type ServerOptions,
  WebSocketServer,
} from '@pulsebeacon/websocket';
import { fromClient, utf8 } from '../support/frames.ts';
import { handshake, RawClient } from '../support/raw-client.ts';
import { listen, Log, logged, serve } from '../support/servers.ts';

type Authorize = NonNullable<ServerOptions<{ user: string }>['authorize']>;

/** A promise that the test settles. */
function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** What is thrown for nobody to catch, while the test runs. */
function uncaught(t: TestContext): unknown[] {
  const thrown: unknown[] = [];
  const { queueMicrotask } = globalThis;
  t.mock.method(globalThis, 'queueMicrotask', (callback: () => void) =>
    queueMicrotask(() => {
      try {
        callback();
      } catch (error) {
        thrown.push(error);
      }
    }),
  );
  return thrown;
}

const problemCode = (body: string): string => (JSON.parse(body) as { code: string }).code;

describe('accepting', () => {
  const waysToAccept: [string, Authorize][] = [
    ['nothing', () => {}],
    ['undefined, later', async () => undefined],
    ['an acceptance', () => ({ context: { user: 'ann' } })],
    ['an acceptance, later', async () => ({ context: { user: 'ann' } })],
    ['an empty acceptance', () => ({})],
  ];
  for (const [name, authorize] of waysToAccept) {
    test(`${name}: the connection is open, with its context`, async (t) => {
      const contexts: unknown[] = [];
      const { open } = await serve<{ user: string }>(t, {
        authorize,
        open: (connection) => void contexts.push(connection.context),
      });
      await open();
      assert.deepEqual(contexts, [name.startsWith('an acceptance') ? { user: 'ann' } : undefined]);
    });
  }

  test('it sees what was asked for', async (t) => {
    const seen: unknown[] = [];
    const { open } = await serve(t, {
      path: '/rooms/{id}',
      authorize: (request: OpeningRequest) => {
        const { path, query, parameters, host, origin, headers, subprotocols, remoteAddress, secure } = request;
        seen.push(
          path,
          query,
          { ...parameters },
          host,
          origin,
          headers.get('COOKIE'),
          [...subprotocols],
          remoteAddress,
          secure,
        );
        seen.push(request.request.url, typeof request.remotePort);
      },
    });
    await open({
      path: '/rooms/7?t=1',
      headers: { Cookie: ['a=1', 'b=2'], Origin: 'http://server.example', 'Sec-WebSocket-Protocol': 'x, y' },
    });
    assert.deepEqual(seen, [
      '/rooms/7',
      't=1',
      { id: '7' },
      'server.example',
      'http://server.example',
      'a=1; b=2',
      ['x', 'y'],
      '127.0.0.1',
      false,
      '/rooms/7?t=1',
      'number',
    ]);
  });

  test('it may set headers of the 101 and choose the subprotocol', async (t) => {
    const protocols: string[] = [];
    const { connect } = await serve(t, {
      subprotocols: ['x', 'y'],
      authorize: () => ({ subprotocol: 'z', headers: { 'Set-Cookie': ['a=1', 'b=2'] } }),
      open: (connection) => void protocols.push(connection.protocol),
    });
    const client = await connect();
    client.write(handshake({ headers: { 'Sec-WebSocket-Protocol': 'x, y, z' } }));
    const { status, headers } = await client.readAnswer();
    assert.deepEqual(
      [status, headers.get('set-cookie'), headers.get('sec-websocket-protocol')],
      [101, 'a=1, b=2', 'z'],
    );
    assert.deepEqual(protocols, ['z']);
  });

  test('frames that come before the 101 are not lost, however many', async (t) => {
    const log = new Log();
    const decision = deferred<undefined>();
    const { connect } = await serve(t, { ...logged(log), authorize: () => decision.promise });
    const client = await connect();
    client.write(handshake(), fromClient({ opcode: 1, payload: utf8('with the head') }));
    for (let i = 0; i < 10; i++) {
      client.sendText(`early ${i} ${'x'.repeat(20_000)}`);
      await new Promise(setImmediate);
    }
    assert.equal(log.lines.length, 0);
    decision.resolve(undefined);
    assert.equal((await client.readAnswer()).status, 101);
    await log.has('text "early 9');
    assert.deepEqual(
      log.lines.map((line) => line.slice(0, 14)),
      ['open', 'text "with the', ...Array.from({ length: 10 }, (_, i) => `text "early ${i} `)],
    );
  });

  test('any thenable is waited for: a promise of another make must not let anybody in', async (t) => {
    const refused: string[] = [];
    const thenable = {
      then: (resolve: (value: Refusal) => void) => setImmediate(() => resolve(new Refusal(403, { code: 'NO' }))),
    } as unknown as Promise<Refusal>;
    const { connect } = await serve(t, {
      authorize: () => thenable,
      refused: ({ code }) => void refused.push(code),
      open: () => assert.fail(),
    });
    const client = await connect();
    client.write(handshake());
    assert.equal((await client.readResponse()).status, 403);
    assert.deepEqual(refused, ['NO']);
  });
});

describe('refusing', () => {
  const unauthorized = new Refusal(401, {
    code: 'NO_TOKEN',
    detail: 'a token, please',
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
  for (const later of [false, true]) {
    test(`with any HTTP answer, ${later ? 'later' : 'at once'}`, async (t) => {
      const events: RefusedEvent[] = [];
      const { connect, server } = await serve(t, {
        authorize: (): Refusal | Promise<Refusal> => (later ? Promise.resolve(unauthorized) : unauthorized),
        refused: (event) => events.push(event),
        open: () => assert.fail(),
      });
      const client = await connect();
      client.write(handshake(), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      const { status, headers, body } = await client.readResponse();
      assert.deepEqual([status, headers.get('www-authenticate'), problemCode(body)], [401, 'Bearer', 'NO_TOKEN']);
      assert.equal((await client.readToEnd()).length, 0);
      assert.deepEqual(events, [
        {
          status: 401,
          code: 'NO_TOKEN',
          reason: 'a token, please',
          path: '/',
          remoteAddress: '127.0.0.1',
          httpVersion: '1.1',
          error: undefined,
        },
      ]);
      assert.deepEqual(server.counts().refusedByCode, { NO_TOKEN: 1 });
    });
  }

  test('by a redirect, or by a body of its own', async (t) => {
    const answers = [
      new Refusal(307, { headers: { Location: 'ws://other.example/' } }),
      new Refusal(429, { body: 'slow down', headers: { 'Retry-After': '9' } }),
    ];
    const { connect } = await serve(t, { authorize: () => answers.shift()! });
    const first = await connect();
    first.write(handshake());
    assert.equal((await first.readResponse()).headers.get('location'), 'ws://other.example/');
    const second = await connect();
    second.write(handshake());
    const { status, body, headers } = await second.readResponse();
    assert.deepEqual([status, body, headers.get('retry-after')], [429, 'slow down', '9']);
  });
});

describe('failing', () => {
  const waysToFail: [string, Authorize, RegExp][] = [
    [
      'throws',
      () => {
        throw new Error('database is down');
      },
      /^database is down$/,
    ],
    [
      'rejects',
      async () => {
        throw new Error('database is down');
      },
      /^database is down$/,
    ],
    [
      'throws no Error',
      () => {
        throw 'a string';
      },
      /^a string$/,
    ],
    ['returns false', (() => false) as never, /^authorize returned false: return nothing or an Acceptance/],
    ['resolves with true', (async () => true) as never, /^authorize returned true/],
    ['returns null', (() => null) as never, /^authorize returned (null|\[object Null\])/],
    ['chooses a subprotocol that was not offered', () => ({ subprotocol: 'nobody asked' }), /subprotocol/],
    ['sets a header that it may not', () => ({ headers: { Connection: 'close' } }), /header/],
    ['sets a header with a line break', () => ({ headers: { 'X-A': 'a\r\nX-B: b' } }), /header/],
  ];
  for (const [name, authorize, reason] of waysToFail) {
    test(`${name}: 500 without a word of why, nobody gets in, and the log knows`, async (t) => {
      const events: RefusedEvent[] = [];
      const { connect } = await serve<{ user: string }>(t, {
        authorize,
        refused: (event) => events.push(event),
        open: () => assert.fail(),
      });
      const client = await connect();
      client.write(handshake());
      const { status, body } = await client.readResponse();
      assert.deepEqual([status, problemCode(body)], [500, 'PB_HANDSHAKE_AUTHORIZE_FAILED']);
      assert.ok(!/database|string|returned|offered/.test(body));
      assert.match(events[0]!.reason, reason);
      assert.ok(events[0]!.error !== undefined);
    });
  }

  test('what was granted for compression is given back', async (t) => {
    let isFirst = true;
    const { connect, open, server } = await serve(t, {
      // Enough for the windows of one connection.
      compression: { takeover: true, memoryBudget: 400_000 },
      authorize: () => {
        if (!isFirst) return {};
        isFirst = false;
        return { subprotocol: 'nobody asked' };
      },
      refused: () => {},
    });
    const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
    const refused = await connect();
    refused.write(handshake({ headers }));
    assert.equal((await refused.readAnswer()).status, 500);
    const granted = await open({ headers });
    await open({ headers });
    const extensions = [...server.connections].map((connection) => connection.extensions);
    assert.match(extensions[0]!, /^permessage-deflate$/);
    assert.match(extensions[1]!, /no_context_takeover/);
    granted.sendClose();
    await granted.rest();
  });

  test('without anybody to tell, the error is thrown as uncaught', async (t) => {
    const thrown = uncaught(t);
    const fault = new Error('boom');
    const { connect } = await serve(t, { authorize: () => Promise.reject(fault) });
    const client = await connect();
    client.write(handshake());
    assert.equal((await client.readResponse()).status, 500);
    assert.deepEqual(thrown, [fault]);
  });
});

describe('taking its time', () => {
  test('longer than authorizeTimeout: 503 with Retry-After; what it says later counts for nothing', async (t) => {
    const decisions = [deferred<undefined>(), deferred<undefined>()];
    let next = 0;
    const { connect, server } = await serve(t, {
      authorizeTimeout: 20,
      retryAfter: 7,
      authorize: () => decisions[next++]!.promise,
      open: () => assert.fail(),
    });
    const clients = [await connect(), await connect()];
    for (const client of clients) {
      client.write(handshake());
      const { status, headers, body } = await client.readResponse();
      assert.deepEqual(
        [status, headers.get('retry-after'), problemCode(body)],
        [503, '7', 'PB_HANDSHAKE_AUTHORIZE_TIMEOUT'],
      );
    }
    decisions[0]!.resolve(undefined);
    decisions[1]!.reject(new Error('too late'));
    for (const client of clients) assert.equal((await client.readToEnd()).length, 0);
    assert.deepEqual(server.counts().refusedByCode, { PB_HANDSHAKE_AUTHORIZE_TIMEOUT: 2 });
  });

  test('and the server closes: 503 at once, whatever it says later', async (t) => {
    const decision = deferred<undefined>();
    const asked = deferred<void>();
    const events: RefusedEvent[] = [];
    const { connect, server } = await serve(t, {
      authorizeTimeout: 0,
      authorize: () => {
        asked.resolve();
        return decision.promise;
      },
      refused: (event) => events.push(event),
      open: () => assert.fail(),
    });
    const client = await connect();
    client.write(handshake());
    await asked.promise;
    const closed = server.close();
    const { status, body } = await client.readResponse();
    assert.deepEqual([status, problemCode(body)], [503, 'PB_HANDSHAKE_DRAINING']);
    client.end();
    await closed;
    decision.resolve(undefined);
    for (let i = 0; i < 5; i++) await new Promise(setImmediate);
    assert.deepEqual(
      events.map(({ code }) => code),
      ['PB_HANDSHAKE_DRAINING'],
    );
  });

  test('a log that throws is told once', async (t) => {
    const thrown = uncaught(t);
    const fault = new Error('disk full');
    const { connect, server } = await serve(t, {
      authorize: async () => new Refusal(403),
      refused: () => {
        throw fault;
      },
    });
    const client = await connect();
    client.write(handshake());
    assert.equal((await client.readResponse()).status, 403);
    while (thrown.length === 0) await new Promise(setImmediate);
    assert.deepEqual(thrown, [fault]);
    assert.deepEqual(server.counts().refusedByCode, { PB_HANDSHAKE_REFUSED: 1 });
  });

  test('the client is gone when the time is up: nobody is answered', async (t) => {
    const log = new Log();
    const { connect } = await serve(t, {
      authorizeTimeout: 30,
      authorize: () => new Promise<void>(() => log.add('asked')),
      refused: ({ code }) => log.add(code),
    });
    const client = await connect();
    client.write(handshake());
    await log.has('asked');
    client.reset();
    await log.has('PB_HANDSHAKE_AUTHORIZE_TIMEOUT');
  });

  test('authorizeTimeout 0 waits for ever', async (t) => {
    const timers: unknown[] = [];
    const { setTimeout } = globalThis;
    t.mock.method(globalThis, 'setTimeout', (...values: Parameters<typeof setTimeout>) => {
      timers.push(values[1]);
      return setTimeout(...values);
    });
    const { open } = await serve(t, {
      authorizeTimeout: 0,
      authorize: () => new Promise<void>((resolve) => void setImmediate(resolve)),
    });
    await open();
    assert.ok(!timers.includes(0));
  });

  for (const way of ['reset', 'destroy'] as const) {
    test(`the client is gone (${way}) before it decides: nothing is opened, nothing counted`, async (t) => {
      const decision = deferred<undefined>();
      const asked = deferred<http.IncomingMessage>();
      const { connect, server } = await serve(t, {
        authorize: ({ request }) => {
          asked.resolve(request);
          return decision.promise;
        },
        open: (connection) => void (way === 'reset' ? assert.fail() : connection),
      });
      const client = await connect();
      client.write(handshake());
      const { socket } = await asked.promise;
      const gone = new Promise((resolve) => socket.once(way === 'reset' ? 'close' : 'end', resolve));
      client[way]();
      await gone;
      decision.resolve(undefined);
      for (let i = 0; i < 10; i++) await new Promise(setImmediate);
      const { open, refused } = server.counts();
      assert.deepEqual([open, refused], [0, 0]);
    });
  }

  test('the client half closes before it decides: it is opened, and the end is noticed', async (t) => {
    const log = new Log();
    const decision = deferred<undefined>();
    const asked = deferred<http.IncomingMessage>();
    const { connect } = await serve(t, {
      ...logged(log),
      authorize: ({ request }) => {
        asked.resolve(request);
        return decision.promise;
      },
    });
    const client = await connect();
    client.write(handshake());
    client.end();
    const { socket } = await asked.promise;
    await new Promise((resolve) => socket.once('end', resolve));
    decision.resolve(undefined);
    assert.equal((await client.readAnswer()).status, 101);
    await log.has('close 1006');
    assert.equal(await client.next(), 'end');
  });

  test('a place that was free when it was asked may be taken when it answers', async (t) => {
    const decision = deferred<undefined>();
    const { connect } = await serve(t, { maxConnections: 1, authorize: () => decision.promise });
    const clients = [await connect(), await connect()];
    for (const client of clients) client.write(handshake());
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    decision.resolve(undefined);
    const answers = await Promise.all(clients.map((client) => client.readAnswer()));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [101, 503]);
  });

  test('the server closes meanwhile: 503', async (t) => {
    const decision = deferred<undefined>();
    const asked = deferred<void>();
    const host = http.createServer();
    const server = new WebSocketServer({
      authorize: () => (asked.resolve(), decision.promise),
      open: () => assert.fail(),
    }).attach(host);
    const client = await RawClient.connect(await listen(t, host));
    t.after(() => client.destroy());
    client.write(handshake());
    await asked.promise;
    const closed = server.close();
    decision.resolve(undefined);
    const { status, body } = await client.readResponse();
    assert.deepEqual([status, problemCode(body)], [503, 'PB_HANDSHAKE_DRAINING']);
    await closed;
  });
});
