import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ServerOptions, UsageError, WebSocketServer } from '@pulsebeacon/websocket';
import { processMemory } from '#dist/connection/process-memory.js';
import { Census, sumTraffic } from '#dist/node/census.js';
import { handshake, RawClient } from '../support/raw-client.ts';
import { Log, logged, serve } from '../support/servers.ts';

const code = (body: string): string => (JSON.parse(body) as { code: string }).code;

describe('caps', () => {
  const caps: [string, ServerOptions, string][] = [
    ['of the server', { maxConnections: 2 }, 'PB_HANDSHAKE_SERVER_FULL'],
    ['of a path', { maxConnectionsPerPath: 2 }, 'PB_HANDSHAKE_PATH_FULL'],
    ['of an address', { maxConnectionsPerAddress: 2 }, 'PB_HANDSHAKE_ADDRESS_FULL'],
  ];
  for (const [name, options, expected] of caps) {
    test(`${name}: 503 with Retry-After, until there is room again`, async (t) => {
      const log = new Log();
      const reasons: string[] = [];
      const { open, connect, server } = await serve(t, {
        ...options,
        ...logged(log),
        retryAfter: 9,
        refused: ({ reason }) => void reasons.push(reason),
      });
      const first = await open();
      await open();
      const third = await connect();
      third.write(handshake());
      const { status, headers, body } = await third.readResponse();
      assert.deepEqual([status, headers.get('retry-after'), code(body)], [503, '9', expected]);
      assert.match(reasons[0]!, /^maxConnections/);
      first.sendClose(1000);
      await first.rest();
      first.end();
      await log.has('close 1000');
      await open();
      assert.deepEqual(server.counts().refusedByCode, { [expected]: 1 });
    });

    test(`${name}, as overCapacity: close: opened and closed with 1013, which a page can see`, async (t) => {
      const log = new Log();
      const { open, server } = await serve(t, { ...options, ...logged(log), overCapacity: 'close' });
      await open();
      await open();
      const third = await open();
      assert.equal(await third.next(), 'close 1013 "too many connections; try again later"');
      third.sendText('ignored');
      third.sendClose(1013);
      assert.equal(await third.next(), 'end');
      third.end();
      await log.has('close 1013');
      assert.deepEqual([server.counts().open, server.counts().closedByCode], [2, { 1013: 1 }]);
    });
  }

  test('of an address: another address has its own', async (t) => {
    const { open, target, server } = await serve(t, { maxConnectionsPerAddress: 1 });
    await open();
    for (const [localAddress, expected] of [
      ['127.0.0.1', 503],
      ['127.0.0.2', 101],
    ] as const) {
      const client = await RawClient.connect(target, false, localAddress);
      client.write(handshake());
      assert.equal((await client.readAnswer()).status, expected);
      client.destroy();
    }
    assert.equal(server.counts().accepted, 2);
  });

  test('0 refuses everybody; each path has its own count', async (t) => {
    const { connect } = await serve(t, { maxConnections: 0 });
    const client = await connect();
    client.write(handshake());
    assert.equal((await client.readAnswer()).status, 503);
    const { open, connect: another } = await serve(t, { path: ['/a', '/b'], maxConnectionsPerPath: 1 });
    await open({ path: '/a' });
    await open({ path: '/b' });
    const full = await another();
    full.write(handshake({ path: '/a' }));
    assert.equal((await full.readAnswer()).status, 503);
  });

  test('memory: above maxBufferedBytes new ones get 503, those that are open go on', async (t) => {
    const { open, connect } = await serve(t, {
      maxBufferedBytes: 1000,
      message: (connection, data) => void connection.send(data),
    });
    const client = await open();
    processMemory.buffered += 1000;
    const refused = await connect();
    refused.write(handshake());
    const { status, body, headers } = await refused.readResponse();
    processMemory.buffered -= 1000;
    assert.deepEqual([status, code(body), headers.get('retry-after')], [503, 'PB_HANDSHAKE_MEMORY', '5']);
    client.sendText('fine');
    assert.equal(await client.next(), 'text "fine"');
    await open();
  });

  test('memory: messages that are not complete count', async (t) => {
    const { open, connect } = await serve(t, { maxBufferedBytes: 100_000 });
    const client = await open();
    client.send({ opcode: 2, fin: false, payload: new Uint8Array(200_000) });
    client.send({ opcode: 9 });
    await client.readFrame();
    const refused = await connect();
    refused.write(handshake());
    assert.equal((await refused.readAnswer()).status, 503);
    client.send({ opcode: 0 });
    client.send({ opcode: 9 });
    await client.readFrame();
    await open();
  });
});

describe('counts', () => {
  test('of the server and of each path, now and so far', async (t) => {
    const log = new Log();
    const { open, server, connect } = await serve(t, {
      ...logged(log),
      path: ['/a', '/rooms/{id}'],
      message: (connection, data) => {
        connection.send(data);
        connection.send('and more');
      },
    });
    const none = { open: 0, accepted: 0, refused: 0 };
    const by11 = (counts: Partial<typeof none>) => ({ byHttpVersion: { '1.1': { ...none, ...counts }, '2': none } });
    const empty = {
      ...by11({}),
      open: 0,
      peak: 0,
      accepted: 0,
      refused: 0,
      refusedByCode: {},
      closedByCode: {},
      messagesIn: 0,
      bytesIn: 0,
      messagesOut: 0,
      bytesOut: 0,
    };
    assert.deepEqual(server.counts(), { ...empty, paths: { '/a': empty, '/rooms/{id}': empty } });
    const clients = [await open({ path: '/a' }), await open({ path: '/rooms/1' }), await open({ path: '/rooms/2' })];
    for (const client of clients) {
      client.sendText('12345');
      await client.readFrame();
      await client.readFrame();
    }
    const bad = await connect();
    bad.write(handshake({ path: '/a', headers: { 'Sec-WebSocket-Key': undefined } }));
    await bad.readAnswer();
    clients[1]!.sendClose(4000);
    await clients[1]!.rest();
    clients[1]!.end();
    await log.has('close 4000');
    clients[2]!.reset();
    await log.has('close 1006');
    const { paths, ...all } = server.counts();
    assert.deepEqual(all, {
      ...by11({ open: 1, accepted: 3, refused: 1 }),
      open: 1,
      peak: 3,
      accepted: 3,
      refused: 1,
      refusedByCode: { PB_HANDSHAKE_KEY_MISSING: 1 },
      closedByCode: { 1006: 1, 4000: 1 },
      messagesIn: 3,
      bytesIn: 15,
      messagesOut: 6,
      bytesOut: 39,
    });
    assert.deepEqual(paths['/a'], {
      ...empty,
      ...by11({ open: 1, accepted: 1, refused: 1 }),
      open: 1,
      peak: 1,
      accepted: 1,
      refused: 1,
      refusedByCode: { PB_HANDSHAKE_KEY_MISSING: 1 },
      messagesIn: 1,
      bytesIn: 5,
      messagesOut: 2,
      bytesOut: 13,
    });
    assert.deepEqual(paths['/rooms/{id}'], {
      ...empty,
      ...by11({ accepted: 2 }),
      peak: 2,
      accepted: 2,
      closedByCode: { 1006: 1, 4000: 1 },
      messagesIn: 2,
      bytesIn: 10,
      messagesOut: 4,
      bytesOut: 26,
    });
  });

  test('a server without a path is called *', async (t) => {
    const { server, open } = await serve(t);
    await open({ path: '/anything' });
    assert.equal(server.counts().paths['*']!.open, 1);
  });

  test("an application's own code may be called anything", () => {
    const census = new Census();
    for (const name of ['__proto__', 'constructor', '__proto__']) census.onRefused(name, '1.1');
    const { refusedByCode } = census.read();
    assert.deepEqual(Object.entries(refusedByCode), [
      ['__proto__', 2],
      ['constructor', 1],
    ]);
    assert.deepEqual(Object.values(sumTraffic([])), [0, 0, 0, 0]);
  });
});

describe('options', () => {
  const bad: [string, unknown[]][] = [
    ['maxMessageSize', [-1, 1.5, Number.NaN, 2 ** 53, Infinity, '1', null]],
    ['maxFragments', [0, -1, 1.5, '5']],
    ['messageTimeout', [-1, 0.5, Infinity, 2 ** 31 + 1, '30s']],
    ['pingInterval', [-1, Number.NaN, Infinity]],
    ['pongTimeout', [-1, Infinity]],
    ['idleTimeout', [-1, Infinity]],
    ['closeTimeout', [-1, Infinity]],
    ['authorizeTimeout', [-1, Infinity]],
    ['writeTimeout', [-1, Infinity]],
    ['sendHighWaterMark', [-1, 0.5]],
    ['maxQueuedBytes', [0, -1]],
    ['slowConsumer', ['wait', 1, null]],
    ['maxConnections', [-1, 0.5, '10']],
    ['maxConnectionsPerPath', [-1]],
    ['maxConnectionsPerAddress', [-1]],
    ['overCapacity', ['drop', true]],
    ['retryAfter', [-1, 0.5, Infinity]],
    ['maxBufferedBytes', [0, -1]],
  ];
  for (const [name, values] of bad) {
    test(`${name} that cannot be is refused when the server is made, by its name`, () => {
      for (const value of values) {
        assert.throws(
          () => new WebSocketServer({ [name]: value }),
          (error) =>
            error instanceof UsageError &&
            error.code === 'PB_OPTION_INVALID' &&
            error.message.startsWith(`${name} is ${String(value)}: pass `),
        );
      }
    });
  }

  test('undefined is the default, and the ends of the ranges are allowed', () => {
    const { limits } = new WebSocketServer({ maxMessageSize: undefined, pingInterval: 0 } as unknown as ServerOptions);
    assert.deepEqual([limits.maxMessageSize, limits.pingInterval], [1_048_576, 0]);
    const most = new WebSocketServer({
      maxMessageSize: Number.MAX_SAFE_INTEGER,
      maxFragments: Infinity,
      closeTimeout: 2 ** 31,
      maxQueuedBytes: Infinity,
    });
    assert.equal(most.limits.maxFragments, Infinity);
  });

  test('headerLimits: what is left out has its default, and what cannot be is refused', () => {
    const { limits } = new WebSocketServer({ headerLimits: { maxBytes: 4096 } });
    assert.deepEqual(limits.headerLimits, { maxFields: 100, maxBytes: 4096 });
    for (const headerLimits of [{ maxFields: -1 }, { maxBytes: '1' as unknown as number }]) {
      assert.throws(() => new WebSocketServer({ headerLimits }), { code: 'PB_OPTION_INVALID' });
    }
  });

  test('compression takes its own options, and checks them', () => {
    assert.throws(() => new WebSocketServer({ compression: { level: 10 } }), { code: 'PB_OPTION_INVALID' });
    new WebSocketServer({ compression: true });
    new WebSocketServer({ compression: false });
  });
});
