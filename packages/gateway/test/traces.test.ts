// /trace/ID: the handshake as it went over the wire, for pages, which cannot see it.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { Traces } from '#dist/sockets/traces.js';
import { ask, handshake, RawConnection } from './support/http.ts';
import { Program } from './support/program.ts';

interface Trace {
  readonly request: string[];
  readonly response: string[];
}

describe('/trace', () => {
  let program: Program;
  before(async () => (program = await Program.start(['--compression'])));
  after(() => program?.stop());

  const get = async (id: string): Promise<Trace> =>
    (await ask(`${program.base}/trace/${id}`)).json() as unknown as Trace;

  it('tells both heads, line by line, as they were', async () => {
    const id = 'abcdefghijklmnopqrstuvwxyz012345';
    const connection = await RawConnection.open(program.port);
    const more = ['Sec-WebSocket-Protocol: a, b', 'Sec-WebSocket-Extensions: permessage-deflate', 'X-Odd-CASE:  kept '];
    connection.send(handshake(`/echo?trace=${id}`, 'localhost', ...more));
    const answer = await connection.until(/\r\n\r\n/);
    const { request, response } = await get(id);
    assert.deepEqual(response, answer.trimEnd().split('\r\n'));
    assert.equal(response[0], 'HTTP/1.1 101 Switching Protocols');
    assert(response.includes('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo='));
    assert(response.includes('Sec-WebSocket-Protocol: a'));
    assert(response.some((line) => line.startsWith('Sec-WebSocket-Extensions: permessage-deflate')));
    assert.equal(request[0], `GET /echo?trace=${id} HTTP/1.1`);
    assert(request.includes('X-Odd-CASE: kept'));
    // The tap is gone: the connection goes on as any other.
    connection.send(Uint8Array.of(0x89, 0x80, 0, 0, 0, 0));
    await connection.until('\x8a\x00');
    connection.destroy();
  });

  it('keeps secrets, even from the page that they belong to', async () => {
    const id = 'secretsecretsecretsecret';
    const connection = await RawConnection.open(program.port);
    connection.send(
      handshake(`/echo?trace=${id}`, 'localhost', 'Cookie: session=12345', 'Authorization: Bearer 67890'),
    );
    await connection.until(/\r\n\r\n/);
    const { request } = await get(id);
    connection.destroy();
    assert(request.includes('Cookie: (not shown)') && request.includes('Authorization: (not shown)'));
    assert.doesNotMatch(request.join('\n'), /12345|67890/);
  });

  it('tells nothing that nobody has asked for, nor by an id that could be guessed', async () => {
    for (const query of [
      '',
      '?trace=',
      '?trace=1',
      '?trace=short-but-random',
      `?trace=${'x'.repeat(65)}`,
      '?other=abcdefghijklmnopqrstuvwxyz',
    ]) {
      const connection = await RawConnection.open(program.port);
      connection.send(handshake(`/echo${query}`, 'localhost'));
      assert.match(await connection.until(/\r\n\r\n/), /^HTTP\/1\.1 101 /);
      connection.destroy();
      const id = query.split('=')[1] ?? '';
      assert.equal((await ask(`${program.base}/trace/${id}`)).status, 404);
    }
  });

  it('is kept by no cache', async () => {
    const id = 'uncacheduncacheduncached';
    const connection = await RawConnection.open(program.port);
    connection.send(handshake(`/echo?trace=${id}`, 'localhost'));
    await connection.until(/\r\n\r\n/);
    assert.equal((await ask(`${program.base}/trace/${id}`)).headers['cache-control'], 'no-store');
    connection.destroy();
  });
});

describe('Traces', () => {
  /** Records a handshake whose answer is written at once. */
  function record(traces: Traces, id: string, answer = 'HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n'): void {
    const socket = Object.create({ write: () => true }) as { write(text: string): boolean };
    const request = { socket, method: 'GET', url: '/', httpVersion: '1.1', rawHeaders: ['Host', 'localhost'] };
    traces.record(new URLSearchParams({ trace: id }), request as unknown as IncomingMessage);
    socket.write(answer);
    // Once, and no more.
    socket.write('HTTP/1.1 500 Not This\r\n\r\n');
    assert.equal(Object.hasOwn(socket, 'write'), false);
  }

  const id = (index: number): string => `id-${String(index).padStart(20, '0')}`;
  const present = (traces: Traces, count: number): number[] =>
    Array.from({ length: count }, (_, index) => index).filter((index) => traces.get(id(index)) !== undefined);

  it('forgets after their time', () => {
    let now = 0;
    const traces = new Traces({ lifetimeMs: 60_000 }, () => now);
    record(traces, id(0));
    now = 30_000;
    record(traces, id(1));
    assert.deepEqual(traces.get(id(0))?.response, ['HTTP/1.1 101 Switching Protocols', 'A: b']);
    now = 59_999;
    assert.deepEqual(present(traces, 2), [0, 1]);
    now = 60_000;
    assert.deepEqual(present(traces, 2), [1]);
    now = 90_000;
    assert.deepEqual(present(traces, 2), []);
  });

  it('keeps so many and no more: the oldest go first', () => {
    const traces = new Traces({ maxEntries: 3 }, () => 0);
    for (let index = 0; index < 5; index++) record(traces, id(index));
    assert.deepEqual(present(traces, 5), [2, 3, 4]);
  });

  it('keeps so much and no more', () => {
    const traces = new Traces({ maxSize: 1000 }, () => 0);
    const answer = `HTTP/1.1 101 Switching Protocols\r\nX: ${'x'.repeat(250)}\r\n\r\n`;
    for (let index = 0; index < 5; index++) record(traces, id(index), answer);
    assert.deepEqual(present(traces, 5), [3, 4]);
    record(traces, id(5), `HTTP/1.1 101 Switching Protocols\r\nX: ${'x'.repeat(2000)}\r\n\r\n`);
    assert.deepEqual(present(traces, 6), []);
  });

  it('takes the newest of the same id', () => {
    const traces = new Traces({}, () => 0);
    record(traces, id(0), 'HTTP/1.1 101 First\r\n\r\n');
    record(traces, id(0), 'HTTP/1.1 101 Second\r\n\r\n');
    assert.deepEqual(traces.get(id(0))?.response, ['HTTP/1.1 101 Second']);
  });
});
