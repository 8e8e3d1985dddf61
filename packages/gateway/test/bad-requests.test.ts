// Requests that no client should send: each gets an answer, and nothing hangs.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { handshake, RawConnection } from './support/http.ts';
import { Program } from './support/program.ts';

describe('a bad request', () => {
  let program: Program;
  before(async () => (program = await Program.start(['--header-timeout', '1s', '--request-timeout', '2s'])));
  after(() => program?.stop());

  async function exchange(text: string | Uint8Array): Promise<string> {
    const connection = await RawConnection.open(program.port);
    connection.send(text);
    return connection.end();
  }

  function assertProblem(answer: string, status: number, code: string): void {
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(answer, /\r\nContent-Type: application\/problem\+json\r\n/);
    assert.match(answer, /\r\nConnection: close\r\n/);
    assert.match(answer, new RegExp(`\r\n\r\n\\{.*"status":${status},.*"code":"${code}"\\}\n$`));
  }

  it('that is no HTTP gets 400', async () => {
    assertProblem(await exchange('hello\r\n\r\n'), 400, 'PB_REQUEST_INVALID');
    // The beginning of a TLS handshake: somebody has typed https for http.
    assertProblem(await exchange(Uint8Array.of(0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0)), 400, 'PB_REQUEST_INVALID');
  });

  it('without Host, or with two, gets 400 (RFC 9112 §3.2)', async () => {
    for (const hosts of ['', 'Host: localhost\r\nHost: localhost\r\n']) {
      const answer = await exchange(`GET / HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`);
      assertProblem(answer, 400, 'PB_HOST_INVALID');
    }
  });

  it('of HTTP/1.0 needs no Host', async () => {
    assert.match(await exchange('GET /live HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /);
  });

  it('with more than 16 KiB of header gets 431', async () => {
    const answer = await exchange(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`);
    assertProblem(answer, 431, 'PB_FIELDS_TOO_LARGE');
  });

  it('with more than 100 fields gets 431, one with 100 does not', async () => {
    const get = (fields: number): Promise<string> =>
      exchange(`GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${'X: 1\r\n'.repeat(fields - 2)}\r\n`);
    assert.match(await get(100), /^HTTP\/1\.1 200 /);
    assertProblem(await get(101), 431, 'PB_TOO_MANY_FIELDS');
    assertProblem(await get(2500), 431, 'PB_TOO_MANY_FIELDS');
    const upgrade = await exchange(handshake('/echo', 'localhost', ...Array.from({ length: 2100 }, () => 'X: 1')));
    assert.match(upgrade, /^HTTP\/1\.1 431 [^]*"PB_HANDSHAKE_TOO_MANY_FIELDS"/);
  });

  it('that never comes to its end gets 408 when its time is over', async () => {
    const silent = RawConnection.open(program.port);
    const slow = await RawConnection.open(program.port);
    slow.send('GET / HTTP/1.1\r\nHost: localhost\r\nX: ');
    const body = await RawConnection.open(program.port);
    body.send('POST /live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n');
    assertProblem(await slow.end(), 408, 'PB_REQUEST_TIMEOUT');
    assertProblem(await (await silent).end(), 408, 'PB_REQUEST_TIMEOUT');
    // It was answered before its body came; then it is not waited for without end.
    assert.match(await body.end(), /HTTP\/1\.1 405 /);
  });

  it('leaves the server well', async () => {
    const connection = await RawConnection.open(program.port);
    connection.send('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    assert.match(await connection.end(), /\{"status":"ok"\}\n$/);
  });
});
