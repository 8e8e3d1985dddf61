import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { Refusal, type ServerOptions } from '@pulsebeacon/websocket';
import { handshake, type RawRequest } from '../support/raw-client.ts';
import { serve } from '../support/servers.ts';

/** The steps that the answer to a handshake tells, and its status. */
async function traceOf(
  t: TestContext,
  options: ServerOptions,
  request: RawRequest = {},
): Promise<{ readonly status: number; readonly trace: string | undefined }> {
  const client = await (await serve(t, options)).connect();
  client.write(handshake({ ...request, headers: { 'Pulse-Trace': '1', ...request.headers } }));
  const { status, headers } = await client.readAnswer();
  return { status, trace: headers.get('pulse-trace') };
}

const everybody = { trace: () => true };

describe('the trace of a handshake', () => {
  test('tells each step of the decision', async (t) => {
    const { status, trace } = await traceOf(
      t,
      {
        ...everybody,
        path: '/rooms/{id}',
        subprotocols: ['b'],
        compression: true,
        authorize: () => ({ headers: { 'X-Own': '1' } }),
      },
      {
        path: '/rooms/7?x',
        headers: { 'Sec-WebSocket-Protocol': 'a, b', 'Sec-WebSocket-Extensions': 'permessage-deflate' },
      },
    );
    assert.equal(status, 101);
    assert.match(
      trace!.replaceAll(/\d{5}/g, 'PORT'),
      new RegExp(
        [
          '^1 route "/rooms/\\{id\\} takes /rooms/7, by HTTP/1\\.1"',
          '2 client "127\\.0\\.0\\.1 PORT, to http://server\\.example"',
          '3 origin "a request without Origin allowed \\(missing-allowed\\): compared with .*"',
          '4 room "0 connections are open, PORT may be"',
          '5 authorize "it is asked"',
          '6 room "0 connections are open, PORT may be"',
          '7 extensions "offered: permessage-deflate; agreed: permessage-deflate; .*"',
          '8 subprotocol "offered: a, b; agreed: b"$',
        ].join(', '),
      ),
    );
  });

  test('without an authorize, a path, or something to agree on', async (t) => {
    const { trace } = await traceOf(t, everybody);
    assert.match(trace!, /1 route "any path takes \/, by/);
    assert.match(trace!, /5 authorize "there is none: .*6 extensions "offered: none; agreed: none"/);
  });

  test('of a refusal, with the reason that is for the log alone otherwise', async (t) => {
    const { status, trace } = await traceOf(t, everybody, { headers: { Origin: 'https://evil.example' } });
    assert.equal(status, 403);
    assert.match(trace!, /3 origin ".*evil.*", 4 refused "403 PB_HANDSHAKE_ORIGIN_FORBIDDEN: .*allowedOrigins/);
    const body = await traceOf(t, { ...everybody, authorize: () => new Refusal(402, { body: 'pay' }) });
    assert.match(body.trace!, /6 refused "402 PB_HANDSHAKE_REFUSED: refused by authorize"/);
  });

  test('names the proxy behind which a client is', async (t) => {
    const { trace } = await traceOf(
      t,
      { ...everybody, trustedProxies: { peers: ['loopback'] } },
      { headers: { 'X-Forwarded-For': '192.0.2.1' } },
    );
    assert.match(trace!, /2 client "192\.0\.2\.1, behind 127\.0\.0\.1, to/);
  });

  test('what the client sends is made safe, and cut', async (t) => {
    const long = await traceOf(t, everybody, { headers: { 'Sec-WebSocket-Extensions': 'c'.repeat(500) } });
    assert.match(long.trace!, /offered: c{300,}\.\.\."/);
    const strange = await traceOf(t, everybody, { headers: { Origin: '<"é>' } });
    assert.doesNotMatch(strange.trace!, /[<é]/);
  });

  test('is for those alone whom the application lets', async (t) => {
    for (const options of [{}, { trace: () => false }]) {
      const { status, trace } = await traceOf(t, options);
      assert.deepEqual([status, trace], [101, undefined]);
    }
    const byHeader: ServerOptions = { trace: ({ headers }) => headers.get('x-debug') === 'secret' };
    assert.equal((await traceOf(t, byHeader)).trace, undefined);
    assert.ok((await traceOf(t, byHeader, { headers: { 'X-Debug': 'secret' } })).trace);
  });

  test('nobody who does not ask gets it', async (t) => {
    const client = await (await serve(t, everybody)).connect();
    client.write(handshake());
    assert.equal((await client.readAnswer()).headers.get('pulse-trace'), undefined);
  });
});
