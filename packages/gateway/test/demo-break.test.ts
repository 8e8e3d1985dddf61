import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { Beacon } from '@pulsebeacon/client';
import { WebSocket } from '@pulsebeacon/websocket';
import { WebSocket as OtherWebSocket } from 'ws';
import { ask } from './support/http.ts';
import { Program } from './support/program.ts';
import { Client } from './support/sockets.ts';

interface Visit {
  readonly id: string;
  readonly channel: string;
  readonly run: string;
  readonly since: string;
  readonly url: string;
}

interface Message {
  readonly type: string;
  readonly data?: { readonly run: string; readonly n: number };
}

const isNumber = ({ type }: Message): boolean => type === 'publication';

describe('/demo/break', () => {
  let program: Program;
  before(async () => {
    program = await Program.start(['--heartbeat', '300ms']);
  });
  after(() => program?.stop());

  async function begin(): Promise<Visit> {
    const { status, json } = await ask(`${program.base}/demo/break`, { method: 'POST' });
    assert.equal(status, 201);
    const visit = json() as unknown as Omit<Visit, 'url'>;
    return { ...visit, url: `${program.base}/demo/break/${visit.id}` };
  }

  async function set({ url }: Visit, fault: string): Promise<Record<string, unknown>> {
    const { status, json } = await ask(`${url}?fault=${fault}`, { method: 'POST' });
    assert.equal(status, 200);
    assert.equal(json()['fault'], fault);
    return json();
  }

  const end = ({ url }: Visit): Promise<unknown> => ask(url, { method: 'DELETE' });

  const hello = ({ channel, since }: Visit): readonly object[] => [
    { type: 'hello', versions: [1] },
    { type: 'subscribe', id: 1, channel, since },
  ];

  /** A WebSocket through the stage, that has asked for the numbers. */
  async function follow(visit: Visit): Promise<Client> {
    const client = await Client.open(`${visit.url.replace('http', 'ws')}/connect`);
    for (const command of hello(visit)) client.socket.send(JSON.stringify(command));
    return client;
  }

  /** A stream through the stage; what comes of it is added up. */
  function stream(visit: Visit): { readonly answer: Promise<IncomingMessage>; text(): string; close(): void } {
    const headers = { 'Content-Type': 'application/json', Accept: 'application/x-ndjson' };
    const request = httpRequest(`${visit.url}/connect`, { method: 'POST', headers, agent: false });
    const [greeting, ...commands] = hello(visit);
    request.end(JSON.stringify({ hello: greeting, commands }));
    let text = '';
    const answer = once(request, 'response').then(([response]: IncomingMessage[]) => {
      response!
        .setEncoding('utf8')
        .on('data', (chunk: string) => (text += chunk))
        .on('error', () => {});
      return response!;
    });
    answer.catch(() => {});
    return { answer, text: () => text, close: () => request.destroy() };
  }

  function refusal(url: string): Promise<number | string> {
    const socket = new OtherWebSocket(url);
    return new Promise((resolve) => {
      socket.once('unexpected-response', (_, { statusCode }) => resolve(statusCode!));
      socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code!));
    });
  }

  it('counts aloud for each visitor, and tells how it goes', async () => {
    const visit = await begin();
    const client = await follow(visit);
    for (const n of [1, 2, 3]) {
      const { data } = await client.nextJson(isNumber);
      assert.deepEqual(data, { run: visit.run, n });
    }
    const status = (await ask(visit.url)).json();
    assert.ok((status['published'] as number) >= 3);
    assert.deepEqual([status['fault'], status['websockets'], status['heldBytes']], ['none', 1, 0]);
    assert.deepEqual(
      (status['events'] as { text: string }[]).map(({ text }) => text),
      ['a WebSocket passes'],
    );
    assert.deepEqual((await ask(`${visit.url}?after=1`)).json()['events'], []);
    await end(visit);
    assert.equal((await client.closed).code, 1006);
    assert.equal((await ask(visit.url)).json()['code'], 'PB_DEMO_UNKNOWN');
    assert.equal(await refusal(`${visit.url.replace('http', 'ws')}/connect`), 404);
  });

  it('blocks WebSockets: those that are open are cut, and others refused, as of that visitor alone', async () => {
    const [visit, other] = [await begin(), await begin()];
    const [client, bystander] = [await follow(visit), await follow(other)];
    await client.nextJson(isNumber);
    await set(visit, 'blocked');
    assert.equal((await client.closed).code, 1006);
    assert.equal(await refusal(`${visit.url.replace('http', 'ws')}/connect`), 426);
    assert.equal((await ask(`${visit.url}/connect`)).status, 426);
    const through = stream(visit);
    assert.equal((await through.answer).headers['content-type'], 'application/x-ndjson');
    await bystander.nextJson(({ data }: Message) => (data?.n ?? 0) > 3);
    through.close();
    bystander.socket.close();
    await Promise.all([end(visit), end(other)]);
  });

  it('stalls what is open: nothing passes, and then everything, in its order', async () => {
    const visit = await begin();
    const client = await follow(visit);
    const { data } = await client.nextJson(isNumber);
    await set(visit, 'stalled');
    const silent = await follow(visit);
    let isSilent = true;
    silent.socket.once('message', () => (isSilent = false));
    // The server goes on counting; what of it was under way before that is read.
    const { published } = (await ask(visit.url)).json() as { published: number };
    await until(async () => Number((await ask(visit.url)).json()['published']) > published + 3);
    const status = (await ask(visit.url)).json();
    assert.deepEqual([isSilent, status['websockets']], [true, 2]);
    assert.ok((status['heldBytes'] as number) > 0);
    await set(visit, 'none');
    for (let n = data!.n + 1; n <= published; n++) assert.equal((await client.nextJson(isNumber)).data!.n, n);
    assert.equal((await silent.nextJson(isNumber)).data!.n, 1);
    await end(visit);
  });

  it('buffers streams: not even the head of the answer passes', async () => {
    const visit = await begin();
    await set(visit, 'buffered');
    const held = stream(visit);
    let hasAnswered = false;
    void held.answer.then(() => (hasAnswered = true));
    await until(async () => Number((await ask(visit.url)).json()['heldBytes']) > 500);
    assert.equal(hasAnswered, false);
    // What is complete passes.
    const body = JSON.stringify({ hello: hello(visit)[0], commands: [] });
    const headers = { 'Content-Type': 'application/json' };
    assert.equal((await ask(`${visit.url}/connect`, { method: 'POST', headers, body })).status, 200);
    await set(visit, 'none');
    assert.equal((await held.answer).statusCode, 200);
    await until(() => held.text().includes('"n":1}'));
    held.close();
    await end(visit);
  });

  it('drops the network: everything is cut, and nobody gets an answer', async () => {
    const visit = await begin();
    const client = await follow(visit);
    const cut = stream(visit);
    const answer = await cut.answer;
    await client.nextJson(isNumber);
    await set(visit, 'down');
    assert.equal((await client.closed).code, 1006);
    // Not by `once`, which rejects for the error before it.
    if (!answer.closed) await new Promise((resolve) => answer.on('close', resolve));
    assert.equal(await refusal(`${visit.url.replace('http', 'ws')}/connect`), 'ECONNRESET');
    await assert.rejects(ask(`${visit.url}/connect`), { code: 'ECONNRESET' });
    assert.equal((await ask(visit.url)).json()['fault'], 'down');
    await end(visit);
  });

  it('loses, doubles and mixes up nothing for a client that goes through all of it', async () => {
    const visit = await begin();
    const options = { openTimeout: 450, upgradeAfter: 300, backoffBase: 50, backoffCap: 100, rememberFor: 0 };
    const beacon = new Beacon(visit.url, { WebSocket, ...options });
    const numbers: number[] = [];
    beacon.channel<{ n: number }>(visit.channel).subscribe({
      since: visit.since,
      onPublication: ({ data }) => numbers.push(data.n),
    });
    const online = (...transports: string[]): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (beacon.state !== 'online' || !transports.includes(beacon.transport!)) return;
          off();
          resolve();
        };
        const off = beacon.on('statechange', look);
        look();
      });
    await online('websocket');
    await set(visit, 'blocked');
    await online('ndjson', 'sse', 'poll');
    await set(visit, 'none');
    await online('websocket');
    await set(visit, 'stalled');
    await online('ndjson', 'sse', 'poll');
    await set(visit, 'buffered');
    await online('poll');
    await set(visit, 'down');
    await new Promise<void>((resolve) => beacon.on('statechange', ({ state }) => state === 'offline' && resolve()));
    await set(visit, 'none');
    await online('websocket');
    const { published } = (await ask(visit.url)).json() as { published: number };
    await until(() => numbers.at(-1)! >= published);
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
    );
    beacon.close();
    await end(visit);
  });

  it('says what is no fault, no method, and no page of its own', async () => {
    const visit = await begin();
    const unknown = await ask(`${visit.url}?fault=fire`, { method: 'POST' });
    assert.deepEqual([unknown.status, unknown.json()['code']], [400, 'PB_DEMO_FAULT']);
    assert.equal(unknown.json()['detail'], 'give ?fault=, one of none, blocked, stalled, buffered, down');
    assert.equal((await ask(visit.url, { method: 'PUT' })).headers['allow'], 'DELETE, GET, POST');
    assert.equal((await ask(`${program.base}/demo/break`, { method: 'PUT' })).status, 405);
    assert.equal((await ask(`${visit.url}/channels/news`)).status, 404);
    for (const headers of [{ Origin: 'http://elsewhere.example' }, { 'Sec-Fetch-Site': 'same-site' }]) {
      for (const url of [`${program.base}/demo/break`, `${visit.url}?fault=down`]) {
        const refused = await ask(url, { method: 'POST', headers });
        assert.deepEqual([refused.status, refused.json()['code']], [403, 'PB_ORIGIN_FORBIDDEN']);
      }
    }
    assert.equal((await ask(visit.url)).json()['fault'], 'none');
    await end(visit);
  });

  it('has room for 32, and for those who may publish', async () => {
    const visits = await Promise.all(Array.from({ length: 32 }, begin));
    assert.equal(new Set(visits.map(({ channel }) => channel)).size, 32);
    const full = await ask(`${program.base}/demo/break`, { method: 'POST' });
    assert.deepEqual([full.status, full.json()['code'], full.headers['retry-after']], [503, 'PB_DEMO_FULL', '60']);
    await Promise.all(visits.map(end));
    const headers = { 'X-Forwarded-For': '192.0.2.1' };
    const foreign = await ask(`${program.base}/demo/break`, { method: 'POST', headers });
    assert.deepEqual([foreign.status, foreign.json()['code']], [401, 'PB_UNAUTHENTICATED']);
    assert.match(foreign.headers['www-authenticate']!, /^Bearer/);
  });

  // The last: it ends the program.
  it('holds nobody back when the program ends', async () => {
    const visit = await begin();
    const client = await follow(visit);
    await client.nextJson(isNumber);
    await set(visit, 'stalled');
    const { code } = await program.stop();
    assert.equal(code, 0);
    assert.equal((await client.closed).code, 1012);
  });
});

/** Waits for what is to come by itself. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}
