// The load against real servers in the same process: what is sent, measured, lost and refused.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { HandshakeError, WebSocketServer, type ServerOptions } from '@pulsebeacon/websocket';
import { type BenchReport, runBench } from '#dist/bench/bench.js';
import { type Progress, runPlan } from '#dist/bench/crew.js';
import type { LoadPlan } from '#dist/bench/plan.js';
import { CountingRelay } from '#dist/bench/relay.js';
import { type RunResult, toResult } from '#dist/bench/result.js';
import { readTarget } from '#dist/bench/target.js';
import { measureWire } from '#dist/bench/wire.js';
import { planFor } from './support/fake-load.ts';

const NEVER = new AbortController().signal;

type Echo = ServerOptions<undefined, 'owned'>;

/** A WebSocket server until the test ends. @returns where it is */
async function serve(t: TestContext, options: Echo): Promise<string> {
  const server = new WebSocketServer<undefined>({ path: '/echo', ...options });
  const { port } = (await server.listen({ port: 0, host: '127.0.0.1' })) as AddressInfo;
  t.after(async () => server.close());
  return `ws://127.0.0.1:${port}/echo`;
}

const ECHO: Echo = { message: (connection, data) => void connection.send(data) };

function planTo(url: string, changes: Partial<LoadPlan> = {}): LoadPlan {
  return planFor({ target: readTarget(url, undefined), duration: Infinity, messages: 200, ...changes });
}

async function run(plan: LoadPlan, threads = 1): Promise<RunResult> {
  return toResult(await runPlan(plan, threads, NEVER), undefined);
}

async function bench(plan: LoadPlan): Promise<BenchReport> {
  return runBench({ plan, threads: 1, comparison: undefined }, NEVER, () => {});
}

describe('against a server that echoes', () => {
  for (const changes of [
    {},
    { payload: { size: 100_000, text: undefined, kind: 'binary' as const } },
    { payload: { size: 0, text: 'Grüße', kind: 'text' as const } },
    { inFlight: 16, connections: 3 },
    { rate: 2000 },
  ]) {
    it(`every message is answered and measured: ${JSON.stringify(changes)}`, async (t) => {
      const plan = planTo(await serve(t, ECHO), changes);
      const { ending, connections, messages, latency, load } = await run(plan);
      assert.deepEqual(ending, { how: 'complete' });
      assert.deepEqual([connections.opened, connections.failed, connections.lost], [plan.connections, [], []]);
      assert.deepEqual([messages.sent, messages.answered, messages.unanswered, messages.unsent], [200, 200, 0, 0]);
      assert.deepEqual(messages.errors, []);
      assert.equal(latency!.count, 200);
      assert(latency!.min > 0 && latency!.max < 10_000);
      assert.equal(connections.timeToOpen!.count, plan.connections);
      assert(load.cpu > 0 && load.busy > 0 && load.busy <= 1);
      assert.equal(load.cpuMicrosPerMessage === null, plan.rate > 0);
    });
  }

  it('threads share the work, and their figures are put together', async (t) => {
    const addresses = new Set<number>();
    const url = await serve(t, { ...ECHO, open: ({ remotePort }) => void addresses.add(remotePort!) });
    const { messages, connections, latency, load } = await run(planTo(url, { connections: 5, messages: 500 }), 2);
    assert.deepEqual([messages.sent, messages.answered, latency!.count], [500, 500, 500]);
    assert.equal(connections.opened, 5);
    assert.equal(addresses.size, 5);
    assert.equal(load.threads, 2);
  });

  it('compression, subprotocol and headers are asked for', async (t) => {
    const seen: (string | undefined)[] = [];
    const url = await serve(t, {
      ...ECHO,
      compression: true,
      authorize: ({ subprotocols, headers }) => {
        seen.push(headers.get('x-load'), headers.get('origin'));
        return { subprotocol: subprotocols[1]! };
      },
      open: ({ extensions, protocol }) => void seen.push(extensions.split(';')[0], protocol),
      allowedOrigins: '*',
    });
    const opening = {
      ...planFor().opening,
      compression: true,
      subprotocols: ['a', 'b'],
      headers: [['X-Load', 'yes']] as const,
      origin: 'https://example.com',
    };
    const { messages } = await run(planTo(url, { opening, payload: { size: 4096, text: undefined, kind: 'text' } }));
    assert.equal(messages.answered, 200);
    assert.deepEqual(seen, ['yes', 'https://example.com', 'permessage-deflate', 'b']);
  });

  it('a report tells what was done', async (t) => {
    const url = await serve(t, ECHO);
    const { settings, websocket, http, machine, ...rest } = await bench(
      planTo(url, { duration: 300, messages: Infinity }),
    );
    assert.equal(rest.url, url);
    assert.deepEqual(
      [settings.duration, settings.messages, settings.rate, settings.connectRate],
      [0.3, null, null, null],
    );
    assert.equal(http, null);
    assert(machine.cores > 0);
    assert(websocket.messages.perSecond > 0);
    // 250 and 50 ms: the second is too short for a point of its own.
    assert.equal(websocket.timeline.length, 1);
    assert(websocket.timeline[0]!.perSecond > 0 && websocket.timeline[0]!.p50! > 0);
    assert.equal(websocket.distribution.at(-1)![0], 100);
  });

  it('connections are opened and held where nothing is to be sent', async (t) => {
    let open = 0;
    const url = await serve(t, { open: () => void open++ });
    const plan = planTo(url, { idle: true, connections: 20, duration: 100, messages: Infinity });
    const { connections, messages, timeline, ending } = await run(plan);
    assert.deepEqual(ending, { how: 'complete' });
    assert.deepEqual([open, connections.opened, messages.sent, timeline], [20, 20, 0, []]);
  });

  it('it ends early when it is told to, with what was measured', async (t) => {
    const stopping = new AbortController();
    const plan = planTo(await serve(t, ECHO), { duration: 3_600_000, messages: Infinity, connections: 2 });
    const onProgress = ({ phase, answered, open }: Progress): void => {
      if (phase === 'measuring' && answered > 0 && open === 2) stopping.abort();
    };
    const result = toResult(await runPlan(plan, 1, stopping.signal, onProgress), undefined);
    assert.deepEqual(result.ending, { how: 'stopped' });
    assert(result.seconds > 0 && result.seconds < 60);
    assert(result.messages.answered > 0);
    assert.equal(result.messages.unanswered, 0);
    assert.deepEqual(result.connections.lost, []);
  });
});

describe('against a server that does not echo', () => {
  it('says what came, and what is needed', async (t) => {
    const url = await serve(t, { message: (connection) => void connection.send('sorry') });
    const message = `${url}: received 5 bytes of text ("sorry"), expected the 32 bytes of text that were sent (message 1 of the connection); bench needs an endpoint that echoes, such as /echo of pulsebeacon serve; --no-verify takes whatever comes as the answer`;
    await assert.rejects(bench(planTo(url)), { name: 'Failure', exitCode: 1, message });
  });

  it('measures it all the same where any answer will do', async (t) => {
    const url = await serve(t, { message: (connection) => void connection.send('sorry') });
    const { messages } = (await bench(planTo(url, { verify: false }))).websocket;
    assert.equal(messages.answered, 200);
  });

  it('does not take a greeting, another kind or another message for the answer', async (t) => {
    const greeting = await serve(t, { open: (connection) => void connection.send('welcome') });
    await assert.rejects(bench(planTo(greeting)), /received 7 bytes of text \("welcome"\)/);
    const binary = await serve(t, { message: (connection, data) => void connection.send(data, 'binary') });
    await assert.rejects(bench(planTo(binary)), /received 32 bytes of binary \(3030303030303030/);
    const stuck = await serve(t, {
      message(connection, data) {
        connection.send(connection.traffic.messagesIn < 3 ? data : `00000000${(data as string).slice(8)}`);
      },
    });
    const { ending } = await run(planTo(stuck));
    assert.match(ending.how === 'mismatch' ? ending.message : '', /that were sent \(message 3 of the connection\)$/);
  });

  it('says that nothing came', async (t) => {
    const url = await serve(t, { message: () => {} });
    await assert.rejects(bench(planTo(url, { timeout: 100 })), /no answer came within 0\.1 s; bench needs/);
  });
});

describe('against a server that refuses or goes', () => {
  it('fails with what the handshake failed with', async (t) => {
    const url = await serve(t, { maxConnections: 10 });
    await assert.rejects(bench(planTo(url.replace('/echo', '/nope'))), (error) => {
      assert(error instanceof HandshakeError);
      assert.equal(error.status, 404);
      return true;
    });
  });

  it('counts the connections that are refused by their reason, and goes on with the others', async (t) => {
    const url = await serve(t, { ...ECHO, maxConnections: 3 });
    const { connections, messages } = await run(planTo(url, { connections: 5 }));
    assert.equal(connections.opened, 3);
    const [failed] = connections.failed;
    assert.deepEqual([failed!.key, failed!.count], ['PB_ANSWER_STATUS 503', 2]);
    assert.match(failed!.message, /^cannot connect to .* 503 /);
    assert.equal(messages.answered, 200);
  });

  it('counts those that are closed in the middle by their code, and what was on its way', async (t) => {
    const url = await serve(t, {
      message(connection, data) {
        if (connection.traffic.messagesIn === 11) connection.close(4001, 'enough');
        else connection.send(data);
      },
    });
    const { connections, messages, ending } = await run(planTo(url, { connections: 2 }));
    assert.deepEqual(ending, { how: 'lost' });
    assert.deepEqual(connections.lost, [{ key: 'close 4001', count: 2, message: 'enough' }]);
    assert.deepEqual([messages.sent, messages.answered, messages.unanswered], [22, 20, 2]);
  });

  it('counts those that break by what happened', async (t) => {
    const url = await serve(t, { message: (connection) => connection.terminate() });
    const { connections } = await run(planTo(url));
    assert.equal(connections.lost.length, 1);
    assert.match(connections.lost[0]!.key, /^(close 1006|PB_|E[A-Z]+)/);
  });
});

describe('by HTTP', () => {
  let server: Server;
  let url: string;
  const requests: string[] = [];
  before(async () => {
    server = createServer((request, response) => {
      requests.push(`${request.method} ${request.url}`);
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.url === '/wrong') response.end('wrong');
        else if (request.url === '/cut') response.destroy();
        else if (request.url === '/busy') response.writeHead(requests.length % 2 === 0 ? 200 : 503).end();
        else response.end(Buffer.concat(chunks));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  it('messages are posted and answered, one at a time on each connection', async () => {
    const { messages, latency, connections } = await run(planTo(`${url}/echo`, { kind: 'post', connections: 2 }));
    assert.deepEqual([messages.sent, messages.answered, latency!.count, connections.opened], [200, 200, 200, 2]);
    assert.equal(requests.filter((request) => request === 'POST /echo').length, 202);
  });

  it('polls are sent at their pace', async () => {
    const plan = planTo(`${url}/news`, { kind: 'poll', rate: 100, precise: false, messages: 10 });
    const { messages, load } = await run(plan);
    assert.equal(messages.answered, 10);
    assert(load.cpuMicrosPerMessage! > 0);
    assert.equal(requests.filter((request) => request === 'GET /news').length, 11);
  });

  it('another answer is none, and errors are counted', async () => {
    const wrong = await run(planTo(`${url}/wrong`, { kind: 'post' }));
    assert.equal(wrong.connections.failed[0]!.key, 'mismatch');
    assert.deepEqual(wrong.ending, { how: 'lost' });
    const cut = await run(planTo(`${url}/cut`, { kind: 'post' }));
    assert.equal(cut.connections.failed[0]!.key, 'ECONNRESET');
    const payload = { size: 0, text: undefined, kind: 'text' as const };
    requests.length = 1;
    const busy = await run(planTo(`${url}/busy`, { kind: 'post', payload, messages: 9 }));
    assert.equal(busy.messages.sent, 9);
    const [error] = busy.messages.errors;
    assert.deepEqual([error!.key, error!.count, busy.messages.answered], ['status 503', 5, 4]);
  });
});

describe('bytes on the wire', () => {
  it('are those of frames, counted at the sockets (RFC 6455 §5.2)', async (t) => {
    const url = await serve(t, ECHO);
    for (const [size, out, back] of [
      [10, 2 + 4 + 10, 2 + 10],
      [1000, 2 + 2 + 4 + 1000, 2 + 2 + 1000],
    ] as const) {
      const { message, opening } = await measureWire(
        planTo(url, { payload: { size, text: undefined, kind: 'binary' } }),
      );
      assert.deepEqual(message, { out, in: back });
      assert(opening.out > 100 && opening.in > 100);
    }
  });

  it('a relay that cannot reach the target ends what it was to pass on', async () => {
    const target = readTarget('ws://127.0.0.1:1/echo', undefined);
    await assert.rejects(measureWire(planFor({ target })), { name: 'HandshakeError' });
    const relay = await CountingRelay.start(target);
    assert.deepEqual(relay.read(), { out: 0, in: 0 });
    await relay.close();
  });
});
