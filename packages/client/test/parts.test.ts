// The small parts, each by itself.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Beacon } from '@pulsebeacon/client';
import { backoff } from '#dist/backoff.js';
import { endingOfAnswer, endingOfClose } from '#dist/connection/ending.js';
import { explainHandshake } from '#dist/explainer.js';
import { resolveOptions } from '#dist/options.js';
import { Outbox } from '#dist/outbox.js';
import { fromBase64, toBase64 } from '#dist/payload.js';
import { recallTransport, rememberTransport } from '#dist/transport-memory.js';
import { readRetryAfter } from '#dist/transports/http.js';
import { readLines, readMessages } from '#dist/transports/read-message.js';
import { StreamText } from '#dist/transports/stream-text.js';

describe('the module for browsers', () => {
  const bundle = readFile(fileURLToPath(import.meta.resolve('@pulsebeacon/client')));

  test('has at most 10 KiB, compressed', async () => {
    const { length } = gzipSync(await bundle, { level: 9 });
    assert(length <= 10_240, `${length} bytes`);
  });

  test('imports nothing', async () => {
    assert.doesNotMatch(String(await bundle), /(?:^|[;}])import\b|\bimport\(|\bfrom"/);
  });
});

test('backoff: anything up to a limit that doubles, and has an end', () => {
  const limits = { base: 500, cap: 30_000 };
  assert.deepEqual(
    [0, 1, 2, 5, 6, 1000].map((attempt) => backoff(attempt, limits, 1)),
    [500, 1000, 2000, 16_000, 30_000, 30_000],
  );
  assert.equal(backoff(3, limits, 0), 0);
});

test('no server has its clients come again and again without a wait, nor never', () => {
  const limits = { base: 500, cap: 30_000 };
  assert.equal(backoff(1, limits, 1, undefined), 1000);
  assert.equal(backoff(1, limits, 1, 2000), 2500);
  for (const said of [0, -1, NaN, -Infinity, 'soon' as never]) assert.equal(backoff(1, limits, 1, said), 500);
  // More than 24.8 days, and a timer goes off at once.
  for (const said of [1e12, Infinity]) assert.equal(backoff(1, limits, 1, said), 1e9);
});

test('a URL leads to /connect beside it, by http, without its fragment; who is named in it is no part of the origin', () => {
  const cases = [
    ['http://example.com', 'http://example.com/connect', 'http://example.com'],
    ['HTTPS://Example.com:443/', 'https://example.com/connect', 'https://example.com'],
    ['ws://example.com:8080/live', 'http://example.com:8080/live/connect', 'http://example.com:8080'],
    ['wss://[::1]/live/?a=/b?c#d', 'https://[::1]/live/connect?a=/b?c', 'https://[::1]'],
    ['https://example.com/connect#top', 'https://example.com/connect', 'https://example.com'],
    ['https://example.com/reconnect', 'https://example.com/reconnect/connect', 'https://example.com'],
    ['https://example.com/connect/', 'https://example.com/connect/connect', 'https://example.com'],
    ['https://example.com/live/connect?key=1', 'https://example.com/live/connect?key=1', 'https://example.com'],
    ['https://ann:secret@example.com/a', 'https://ann:secret@example.com/a/connect', 'https://example.com'],
  ] as const;
  for (const [given, url, origin] of cases) {
    const settings = resolveOptions(given, {});
    assert.deepEqual([settings.url, settings.origin], [url, origin]);
  }
  for (const given of [
    '',
    '/live',
    'ftp://example.com',
    'httpx://example.com',
    'about:blank',
    'http://',
    'mailto:a@b',
  ]) {
    assert.throws(() => resolveOptions(given, {}), { code: 'PB_CLIENT_OPTION' });
  }
});

test('what got through is remembered for an origin, for a while', () => {
  assert.equal(recallTransport('https://a'), undefined);
  rememberTransport('https://a', 'sse', 10_000);
  assert.equal(recallTransport('https://a'), 'sse');
  assert.equal(recallTransport('https://b'), undefined);
  rememberTransport('https://a', 'sse', -1);
  assert.equal(recallTransport('https://a'), undefined);
});

test('the storage of a page remembers it, too; where there is no page, it is not looked at', (t) => {
  const kept = new Map<string, string>();
  const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: kept.set.bind(kept) };
  const lookedAt = t.mock.fn(() => storage);
  Object.defineProperty(globalThis, 'localStorage', { get: lookedAt, configurable: true });
  t.after(() => {
    delete (globalThis as { document?: unknown }).document;
    delete (globalThis as { localStorage?: unknown }).localStorage;
  });
  rememberTransport('https://c', 'poll', 10_000);
  assert.equal(recallTransport('https://c'), 'poll');
  assert.equal(lookedAt.mock.callCount(), 0);
  Object.assign(globalThis, { document: {} });
  rememberTransport('https://c', 'sse', 10_000);
  assert.match(kept.get('pulsebeacon:transport:https://c')!, /^sse \d+$/);
  kept.set('pulsebeacon:transport:https://c', `ndjson ${Date.now() + 1000}`);
  assert.equal(recallTransport('https://c'), 'ndjson');
});

describe('text of streams', () => {
  const cuts = (text: string): string[][] =>
    Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)]);
  test('lines, cut anywhere', () => {
    for (const pieces of cuts('{"a":1}\r\n\n{"b":2}\ntorn')) {
      const stream = new StreamText(false);
      assert.deepEqual(
        pieces.flatMap((piece) => stream.push(piece)),
        ['{"a":1}', '{"b":2}'],
      );
    }
  });

  test('the data of events, cut anywhere', () => {
    for (const pieces of cuts(': hello\n\nid: k.1\ndata: {"a":1}\n\nevent: x\r\ndata:2\r\n\r\ndata: torn')) {
      const stream = new StreamText(true);
      assert.deepEqual(
        pieces.flatMap((piece) => stream.push(piece)),
        ['{"a":1}', '2'],
      );
    }
  });

  test('what has no end is refused', () => {
    const stream = new StreamText(false);
    assert.throws(() => stream.push('x'.repeat(16 * 1024 * 1024 + 1)), RangeError);
  });

  test('a line in many pieces costs no more than its length', () => {
    const stream = new StreamText(false);
    stream.push('x'.repeat(15 * 1024 * 1024));
    // Minutes, if each of them made it look at the whole line.
    for (let i = 0; i < 20_000; i++) stream.push('y');
    assert.equal(stream.push('\n')[0]!.length, 15 * 1024 * 1024 + 20_000);
  });
});

test('messages: what would mislead the client is refused, what it does not know is not', () => {
  assert.deepEqual(readLines('{"type":"newer","x":1}'), [{ type: 'newer', x: 1 }]);
  for (const text of ['[]', 'null', '{}', '{"type":1}', '{"type":"publication","channel":"a"}', '{"type":"join"}']) {
    assert.throws(() => readLines(text), { code: 'PB_MESSAGE_INVALID' }, text);
    assert.throws(() => readLines(`{"type":"heartbeat"}\n${text}`), { code: 'PB_MESSAGE_INVALID' }, text);
  }
  assert.throws(() => readLines('{"type":"heartbeat"}\n'), { code: 'PB_MESSAGE_INVALID' });
  assert.equal(readMessages('{"messages":[{"type":"heartbeat"}]}').length, 1);
  for (const text of ['{"messages":1}', '{"messages":[1]}', '<html>', 'null']) {
    assert.throws(() => readMessages(text), { code: 'PB_MESSAGE_INVALID' });
  }
});

test('messages come in the order of their lines', () => {
  const lines = Array.from({ length: 50 }, (_, x) => ({ type: 'newer', x, text: '\n,]' }));
  assert.deepEqual(readLines(lines.map((line) => JSON.stringify(line)).join('\n')), lines);
});

test('a publication is what JSON says it is, however it is written', () => {
  const head = '{"type":"publication","channel":"a","position":"e.1","time":5,"contentType":"text/plain"';
  for (const text of [
    `${head},"data":"x\\"}\\u2028\u2028"}`,
    `${head},"data":{"data":[1,{"a":"}"}],"n":-0.5e-3}}`,
    `${head},"data":null}`,
    `${head},"data": 1 }`,
    `${head},"data":1,"later":{"data":2}}`,
    `${head},"key":"k","encoding":"base64","data":"AQ=="}`,
    head.replace('"a"', '"a\\u0062\\""').concat(',"data":1}'),
    head.replace('text/plain', 'text/plain; charset=\\"utf-8\\"').concat(',"data":1}'),
    '{ "data": 1, "type": "publication", "channel": "a", "position": "e.1" }',
  ]) {
    assert.deepEqual(readLines(text), [JSON.parse(text)], text);
  }
  for (const rest of ['', '}', ',"data":}', ',"data":1', ',"data":1]', ',"data":1}}', ',"data":[}']) {
    const text = head + rest;
    if (rest === '}') assert.deepEqual(readLines(text), [JSON.parse(text)]);
    else assert.throws(() => readLines(text), { code: 'PB_MESSAGE_INVALID' }, text);
  }
});

test('Retry-After: seconds, or a date', () => {
  assert.equal(readRetryAfter('7'), 7000);
  assert(readRetryAfter(new Date(Date.now() - 5000).toUTCString())! <= 0);
  assert(readRetryAfter(new Date(Date.now() + 60_000).toUTCString())! > 50_000);
  assert.equal(readRetryAfter('soon'), undefined);
  assert.equal(readRetryAfter(null), undefined);
});

test('base64, of any length', () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, at) => at);
  assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
  assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64'));
});

describe('endings', () => {
  const kind = (status: number, code?: string): string => endingOfAnswer({ status, code }).kind;
  test('of answers: what cannot succeed, what passes, and what does not get through', () => {
    for (const status of [401, 403, 404, 407, 410, 421]) assert.equal(kind(status), 'refused');
    for (const status of [408, 409, 425, 429, 500, 502, 503, 504]) assert.equal(kind(status), 'later');
    for (const status of [400, 405, 406, 411, 426, 501, 505]) assert.equal(kind(status), 'blocked');
    assert.equal(kind(400, 'PB_WIRE_VERSION'), 'refused');
    assert.equal(kind(400, 'PB_HANDSHAKE_UPGRADE_MISSING'), 'blocked');
    assert.equal(kind(401, 'PB_SESSION_EXPIRED'), 'session');
    assert.equal(kind(401, 'PB_UNAUTHENTICATED'), 'refused');
  });

  test('of closes: the reason is read, 1012 and 1013 ask to come back', () => {
    const drained = endingOfClose(1012, 'PB_HUB_DRAINING; retry after 1400 ms; the server is shutting down');
    assert.deepEqual(drained, {
      kind: 'later',
      reason: 'the server is shutting down',
      code: 'PB_HUB_DRAINING',
      retryAfter: 1400,
    });
    assert.equal(endingOfClose(1013, 'busy').kind, 'later');
    assert.deepEqual(
      [endingOfClose(1006, '').kind, endingOfClose(1006, '').reason],
      ['cut', 'the connection was lost (close code 1006)'],
    );
  });
});

describe('the explainer', () => {
  const answer = (status: number, body = '', headers: Record<string, string> = {}) =>
    explainHandshake({
      url: 'https://example.com/connect',
      credentials: 'omit',
      fetch: () => Promise.resolve(new Response(body, { status, headers }) as never),
    });

  test('says what blocks WebSocket, where HTTP gets through', async () => {
    const { kind, reason } = await answer(426, '{"code":"PB_HANDSHAKE_UPGRADE_MISSING"}');
    assert.equal(kind, 'blocked');
    assert.match(reason, /something between here and the server blocks WebSocket/);
  });

  test('says what the server says: status, code, detail, challenge, Retry-After', async () => {
    const problem = '{"code":"PB_UNAUTHENTICATED","detail":"credentials are missing"}';
    const refused = await answer(401, problem, { 'WWW-Authenticate': 'Bearer realm="x"' });
    assert.deepEqual(
      [refused.kind, refused.status, refused.code, refused.challenge, refused.reason],
      ['refused', 401, 'PB_UNAUTHENTICATED', 'Bearer realm="x"', 'the server answers 401: credentials are missing'],
    );
    const busy = await answer(503, 'not JSON', { 'Retry-After': '3' });
    assert.deepEqual([busy.kind, busy.retryAfter], ['later', 3000]);
  });

  test('says that nothing answers, and why', async () => {
    const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const fetch = () => Promise.reject(new TypeError('fetch failed', { cause }));
    const { kind, reason } = await explainHandshake({ url: 'https://example.com', credentials: 'omit', fetch });
    assert.deepEqual([kind, reason], ['unreachable', 'nothing answers (ECONNREFUSED)']);
  });
});

describe('the outbox', () => {
  const limits = { maxQueued: 3, maxQueuedSize: 1000 };
  const publish = (n: number) => ({ type: 'publish', channel: 'a', data: n });
  const published = (id: number) => ({
    type: 'published' as const,
    id,
    channel: 'a',
    position: `k.${id}`,
    duplicate: false,
  });
  let now = 0;
  const make = (own = {}) => new Outbox({ ...limits, ...own }, () => now);

  test('is bounded, and says so', async () => {
    const outbox = make();
    const replies = [0, 1, 2].map((n) => outbox.add(publish(n)));
    await assert.rejects(outbox.add(publish(3)), { code: 'PB_QUEUE_FULL', retry: true });
    await assert.rejects(make({ maxQueuedSize: 10 }).add(publish(1)), { code: 'PB_QUEUE_FULL' });
    const [first] = outbox.take(1, 1, 1000);
    assert.equal(outbox.settle(published(first!.command.id)), true);
    await replies[0];
    assert.equal(outbox.length, 2);
  });

  test('what was lost goes again, in its order, before what came later', () => {
    const outbox = make({ maxQueued: 10 });
    for (let n = 0; n < 4; n++) void outbox.add(publish(n));
    outbox.take(1, 3, 1000);
    outbox.lost(1);
    void outbox.add(publish(4));
    assert.deepEqual(
      outbox.take(2, 10, 1000).map(({ command }) => command['data']),
      [0, 1, 2, 3, 4],
    );
    assert.equal(outbox.settle(published(1)), false);
  });

  test('takes no more than there is room for, and one in any case', () => {
    const outbox = make({ maxQueued: 10 });
    for (let n = 0; n < 3; n++) void outbox.add(publish(n));
    assert.equal(outbox.take(1, 10, 1).length, 1);
    assert.equal(outbox.take(1, 10, 1000).length, 2);
  });

  test('errors that pass are tried again, others reject', async () => {
    const outbox = make();
    const reply = outbox.add(publish(0));
    const { id } = outbox.take(1, 1, 1000)[0]!.command;
    const error = { type: 'error' as const, id, code: 'PB_RATE' as const, detail: 'too fast' };
    assert.deepEqual(outbox.settle({ ...error, retry: true, retryAfter: 40 }), { retryAfter: 40 });
    assert.equal(outbox.take(1, 1, 1000).length, 1);
    outbox.settle({ ...error, retry: false });
    await assert.rejects(reply, { code: 'PB_RATE', message: 'too fast' });
  });

  test('a publication whose key may be forgotten is not sent again', async () => {
    const outbox = make();
    const reply = outbox.add(publish(0));
    outbox.take(1, 1, 1000);
    outbox.lost(1);
    now += 9 * 60_000;
    assert.deepEqual(outbox.take(2, 1, 1000), []);
    await assert.rejects(reply, { code: 'PB_PUBLISH_UNCERTAIN' });
  });
});

test('options that cannot be are refused, with value and remedy', () => {
  const code = { code: 'PB_CLIENT_OPTION' };
  assert.throws(() => new Beacon('not a url'), code);
  assert.throws(() => new Beacon('ftp://example.com'), code);
  assert.throws(() => new Beacon('http://a', { openTimeout: 0 }), /openTimeout is 0: pass a number from 1/);
  assert.throws(() => new Beacon('http://a', { transports: ['carrier pigeon' as 'sse'] }), code);
  assert.throws(() => new Beacon('http://a', { transports: [] }), code);
});

test('closed by whoever hears of its state, it tells once that it is', async () => {
  const beacon = new Beacon('http://127.0.0.1:1', { transports: ['poll'] });
  const reasons: string[] = [];
  await new Promise<void>((resolve) => {
    beacon.on('statechange', ({ reason }) => {
      reasons.push(reason);
      beacon.close();
      if (reason === 'closed') resolve();
    });
  });
  assert.equal(reasons.length, 2);
});
