import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { test } from 'node:test';
import { problemOf, Site } from '../support/site.ts';
import { RawHttp } from '../support/raw-http.ts';

const LIMITED = { namespaces: [{ match: '*', publish: 'anyone', maxMessageSize: 1000 }] } as const;

test('a body of as many bytes as there may be is published, one more is 413', async (t) => {
  const site = await Site.start(t, LIMITED);
  assert.equal((await site.post('/channels/news', 'x'.repeat(1000))).status, 201);
  const problem = await problemOf(await site.post('/channels/news', 'x'.repeat(1001)));
  assert.equal(problem['code'], 'PB_PAYLOAD_TOO_LARGE');
  assert.match(problem['detail'] as string, /1001 bytes.*at most 1000/);
});

test('a body is published byte for byte, whether it comes with its head, behind it, or in parts', async (t) => {
  let onHead = (): void => {};
  const admit = (): undefined => void onHead();
  const site = await Site.start(t, { ...LIMITED, hooks: { admit } });
  const client = await RawHttp.connect(t, site.port);
  const chunked = 'Transfer-Encoding: chunked';
  const ways: readonly (readonly [data: string, field: string, ...parts: string[]])[] = [
    ['', 'Host: x', ''],
    ['', chunked, '0\r\n\r\n'],
    ['whole', 'Content-Length: 5', 'whole'],
    ['behind', 'Content-Length: 6', '', 'behind'],
    ['in parts', 'Content-Length: 8', 'in', ' ', 'parts'],
    ['chunks', chunked, '2\r\nch\r\n4\r\nunks\r\n0\r\n\r\n'],
    ['later chunks', chunked, '5\r\nlater\r\n', '7\r\n chunks\r\n', '0\r\n\r\n'],
  ];
  for (const [, field, first, ...rest] of ways) {
    const head = new Promise<void>((resolve) => (onHead = resolve));
    client.send(['POST /channels/news HTTP/1.1', 'Host: x', field], first);
    await head;
    for (const part of rest) client.socket.write(part);
    assert.match(await client.until('}\n'), /^HTTP\/1\.1 201 /);
  }
  const { publications } = await site.hub.channel('news').history();
  assert.deepEqual(
    publications.map(({ data }) => data),
    ways.map(([data]) => data),
  );
});

test('bodies of pipelined requests are published in their order', async (t) => {
  const site = await Site.start(t, LIMITED);
  const client = await RawHttp.connect(t, site.port);
  const requests = ['a', 'b', 'c'].map(
    (data) => `POST /channels/news HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n${data}`,
  );
  client.socket.write(requests.join(''));
  for (const offset of [1, 2, 3])
    assert.match(await client.until('}\n'), new RegExp(`Location: \\?at=[\\w-]+\\.${offset}\r\n`));
  const { publications } = await site.hub.channel('news').history();
  assert.deepEqual(
    publications.map(({ data }) => data),
    ['a', 'b', 'c'],
  );
});

test('somebody who listens to the body, too, keeps nothing of it from the hub, nor the hub from them', async (t) => {
  const site = await Site.start(t, LIMITED);
  const { server } = site;
  const emit = server.emit.bind(server) as (...parameters: unknown[]) => boolean;
  const seen: string[] = [];
  server.emit = ((...parameters: unknown[]): boolean => {
    const [event, request] = parameters;
    if (event === 'request') (request as IncomingMessage).on('data', (chunk: Buffer) => seen.push(chunk.toString()));
    return emit(...parameters);
  }) as Server['emit'];
  assert.equal((await site.post('/channels/news', 'for both')).status, 201);
  const { publications } = await site.hub.channel('news').history();
  assert.deepEqual([publications[0]!.data, ...seen], ['for both', 'for both']);
});

test('in chunks, the first byte too many is refused, while the client goes on to send', async (t) => {
  const site = await Site.start(t, LIMITED);
  const client = await RawHttp.connect(t, site.port);
  client.send(['POST /channels/news HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked']);
  client.socket.write(`3e8\r\n${'x'.repeat(1000)}\r\n`);
  client.socket.write('1\r\nx\r\n');
  const head = await client.until('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 413 /);
  assert.match(head, /\r\nConnection: close\r\n/i);
  assert.match(await client.until('}'), /PB_PAYLOAD_TOO_LARGE/);
  // It still takes what comes, so that no reset can take the answer away (RFC 9112 §9.6), and ends with it.
  client.socket.write('5\r\nabcde\r\n0\r\n\r\n');
  await client.over;
  assert.equal(site.hub.counts().published, 0);
});

test('a large body that is refused by its length is answered at once, and the answer arrives', async (t) => {
  const site = await Site.start(t, LIMITED);
  const client = await RawHttp.connect(t, site.port);
  client.send(['POST /channels/news HTTP/1.1', 'Host: x', 'Content-Length: 10000000']);
  assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 413 /);
  for (let i = 0; i < 10; i++) client.socket.write(Buffer.alloc(1_000_000));
  await client.over;
});

test('whoever is refused before a small body is read keeps the connection', async (t) => {
  const site = await Site.start(t, { namespaces: [{ match: '*', publish: 'nobody' }] });
  const client = await RawHttp.connect(t, site.port);
  for (let i = 0; i < 2; i++) {
    client.send(['POST /channels/news HTTP/1.1', 'Host: x', 'Content-Length: 5'], 'hello');
    assert.match(await client.until('\r\n\r\n'), /^HTTP\/1\.1 403 /);
    await client.until('}\n');
  }
});

test('a client that goes away in the middle of its body publishes nothing, and leaves nothing', async (t) => {
  const site = await Site.start(t, LIMITED);
  const client = await RawHttp.connect(t, site.port);
  const begun = once(site.server, 'connection') as Promise<unknown>;
  client.send(['POST /channels/news HTTP/1.1', 'Host: x', 'Content-Length: 500'], 'half');
  client.socket.destroy();
  await client.over;
  // Its connection was accepted before those of the following request.
  await Promise.race([begun, site.fetch('/channels/news')]);
  assert.equal(site.hub.counts().published, 0);
  assert.deepEqual(site.failures, []);
});

for (const [headers, status, code] of [
  [{ 'Content-Encoding': 'gzip' }, 415, 'PB_CONTENT_CODING'],
  [{ 'Content-Type': 'text' }, 415, 'PB_MEDIA_TYPE'],
  [{ 'Content-Type': 'text/plain; charset=latin1' }, 415, 'PB_PAYLOAD_CHARSET'],
  [{ 'Content-Type': 'application/json' }, 400, 'PB_PAYLOAD_INVALID'],
  [{ 'Idempotency-Key': 'x'.repeat(129) }, 400, 'PB_IDEMPOTENCY_KEY'],
  [{ 'Pulse-Key': '%zz' }, 400, 'PB_QUERY_INVALID'],
] as const) {
  test(`${JSON.stringify(headers).slice(0, 60)} is ${status} ${code}`, async (t) => {
    const site = await Site.start(t, LIMITED);
    const response = await site.post('/channels/news', 'no json', headers);
    assert.equal(response.status, status);
    assert.equal((await problemOf(response))['code'], code);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.equal(site.hub.counts().published, 0);
    assert.equal(site.refused[0]!.code, code);
  });
}

test('a hundred thousand levels of nesting are refused', async (t) => {
  const site = await Site.start(t, { namespaces: [{ match: '*', publish: 'anyone' }] });
  const response = await site.post('/channels/news', '['.repeat(100_000), { 'Content-Type': 'application/json' });
  assert.equal(response.status, 400);
});
