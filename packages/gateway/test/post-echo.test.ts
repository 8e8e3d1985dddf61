// POST /echo: the body comes back as it was, within the limit of a message.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ask, RawConnection } from './support/http.ts';
import { Program } from './support/program.ts';

describe('POST /echo', () => {
  let program: Program;
  let url: string;
  before(async () => {
    program = await Program.start(['--max-message-size', '1KiB']);
    url = `${program.base}/echo`;
  });
  after(() => program?.stop());

  it('answers with the body and its type', async () => {
    const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'br' };
    const answer = await ask(`${url}?x=1`, { method: 'POST', headers, body: '{"a":1}' });
    assert.equal(answer.status, 200);
    assert.equal(answer.text, '{"a":1}');
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['content-encoding'], 'br');
    assert.equal(answer.headers['content-length'], '7');
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  });

  it('calls bytes what says nothing of its type, and has nothing to add to an empty body', async () => {
    const answer = await ask(url, { method: 'POST' });
    assert.deepEqual([answer.status, answer.text], [200, '']);
    assert.equal(answer.headers['content-type'], 'application/octet-stream');
    assert.equal(answer.headers['content-encoding'], undefined);
  });

  it('takes a body in chunks, and requests one after the other on a connection', async () => {
    const connection = await RawConnection.open(program.port);
    const head = 'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n';
    connection.send(`${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`);
    await connection.until(/\r\n\r\nabcde$/);
    connection.send(`${head}Content-Length: 6\r\n\r\nsecond`);
    await connection.until(/\r\n\r\nsecond$/);
    connection.destroy();
  });

  it('takes as much as a message may have, and says 413 to more', async () => {
    const most = await ask(url, { method: 'POST', body: 'x'.repeat(1024) });
    assert.deepEqual([most.status, most.body.length], [200, 1024]);
    const { status, headers, json } = await ask(url, { method: 'POST', body: 'x'.repeat(1025) });
    assert.equal(status, 413);
    assert.equal(headers['content-type'], 'application/problem+json');
    assert.equal(headers['connection'], 'close');
    assert.equal(json()['code'], 'PB_CONTENT_TOO_LARGE');
    assert.equal(json()['detail'], 'the body has more than 1024 bytes (--max-message-size)');
  });

  it('says 413 to one who goes on sending, and ends the connection', async () => {
    const connection = await RawConnection.open(program.port);
    connection.send('POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n');
    connection.send('x'.repeat(2000));
    assert.match(await connection.end(), /^HTTP\/1\.1 413 [^]*"PB_CONTENT_TOO_LARGE"/);
  });

  it('answers only for the names of this server', async () => {
    const { status } = await ask(url, { method: 'POST', headers: { Host: 'evil.test' }, body: 'x' });
    assert.equal(status, 421);
  });
});
