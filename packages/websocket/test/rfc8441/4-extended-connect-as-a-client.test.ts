import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, type OpeningAnswer } from '@pulsebeacon/websocket';
import { echoStream, http2Server, TRUST } from '../support/http2-server.ts';

const options = { httpVersion: '2', tls: TRUST } as const;

describe('RFC 8441 §4: the extended CONNECT method', () => {
  test('§4: :method is CONNECT, :protocol is there, and so are :scheme, :path and :authority', async (t) => {
    const server = await http2Server(t, echoStream);
    const connection = await connect(`${server.url}/chat?room=1`, options);
    connection.terminate();
    const { raw } = server.requests[0]!;
    const pseudo = new Map(raw.flatMap((name, at) => (name.startsWith(':') ? [[name, raw[at + 1]] as const] : [])));
    assert.deepEqual(Object.fromEntries(pseudo), {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'https',
      ':path': '/chat?room=1',
      ':authority': `localhost:${server.port}`,
    });
    // RFC 9113 §8.3: before all others.
    const names = raw.filter((_, at) => at % 2 === 0);
    assert.equal(
      names.findLastIndex((name) => name.startsWith(':')),
      4,
    );
    assert.ok(names.every((name) => name === name.toLowerCase()));
  });

  test('§4: the answer is 200, and the connection says what it goes over', async (t) => {
    const server = await http2Server(t, (request) => echoStream(request, { 'x-said': 'yes' }));
    const answers: OpeningAnswer[] = [];
    const connection = await connect(server.url, { ...options, open: (_, answer) => void answers.push(answer) });
    t.after(() => connection.terminate());
    const [answer] = answers;
    assert.deepEqual(
      [answer?.status, answer?.httpVersion, answer?.headers.get('x-said'), answer?.secure, answer?.remotePort],
      [200, '2', 'yes', true, server.port],
    );
  });
});
