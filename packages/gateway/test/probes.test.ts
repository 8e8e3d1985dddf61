// /probe/: what a server tells everybody of their own requests, and no more.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { ask } from './support/http.ts';
import { Program } from './support/program.ts';
import { Client } from './support/sockets.ts';

const CHUNKS = /^\{"chunk":1,"at":\d+\}\n(\{"chunk":\d,"at":\d+\}\n){4}$/;

describe('/probe/', () => {
  let program: Program;
  before(async () => {
    program = await Program.start(['--host', '0.0.0.0', '--port', '0', '--max-connections', '66']);
  });
  after(() => program?.stop());

  const base = (): string => `http://127.0.0.1:${program.port}/probe`;

  it('says what arrived of a request: what proxies change, and nothing else', async () => {
    const headers = { Via: '1.1 a', 'X-Forwarded-For': '192.0.2.1', Cookie: 'secret=1', Authorization: 'Basic abc' };
    const { status, headers: fields, json, text } = await ask(`${base()}/request?nonce=abc-1`, { headers });
    assert.equal(status, 200);
    assert.equal(fields['cache-control'], 'no-store');
    const seen = json();
    assert.deepEqual(
      { ...seen, fields: undefined },
      { probe: 1, nonce: 'abc-1', httpVersion: '1.1', secure: false, peer: '127.0.0.1', fields: undefined },
    );
    const names = (seen['fields'] as string[][]).map(([name]) => name);
    assert.deepEqual(names.toSorted(), ['Connection', 'Host', 'Via', 'X-Forwarded-For']);
    assert.doesNotMatch(text, /secret|abc"/);
  });

  it('gives back no nonce that is more than one', async () => {
    const { json } = await ask(`${base()}/request?nonce=${encodeURIComponent('<script>')}`);
    assert.equal(json()['nonce'], null);
  });

  it('writes a stream chunk by chunk, as lines or events', async () => {
    const lines = await ask(`${base()}/stream?every=10`);
    assert.equal(lines.headers['content-type'], 'application/x-ndjson');
    assert.equal(lines.headers['cache-control'], 'no-store, no-transform');
    assert.equal(lines.headers['x-accel-buffering'], 'no');
    assert.match(lines.text, CHUNKS);
    const events = await ask(`${base()}/stream?as=sse&every=10`);
    assert.equal(events.headers['content-type'], 'text/event-stream');
    assert.match(events.text.replaceAll(/data: (.*\n)\n/g, '$1'), CHUNKS);
  });

  it('is silent for as long as it is asked to, within bounds', async () => {
    const silence = await ask(`${base()}/silence?ms=20`);
    assert.equal(silence.text, '{"chunk":1,"at":0}\n{"chunk":2,"at":20}\n');
    const waited = await ask(`${base()}/wait?ms=20`);
    assert.deepEqual(waited.json(), { waited: 20 });
    for (const query of [
      'silence',
      'silence?ms=120001',
      'wait?ms=-1',
      'wait?ms=1e3',
      'stream?every=9',
      'stream?every=',
    ]) {
      const { status, json } = await ask(`${base()}/${query}`);
      assert.deepEqual([query, status, json()['code']], [query, 400, 'PB_PROBE_INVALID']);
    }
  });

  it('is read only, and has nothing else', async () => {
    assert.equal((await ask(`${base()}/request`, { method: 'POST' })).status, 405);
    assert.equal((await ask(`${base()}/other`)).status, 404);
    const { status, json } = await ask(`${base()}/socket`);
    assert.deepEqual([status, json()['code']], [426, 'PB_HANDSHAKE_UPGRADE_MISSING']);
  });

  it('echoes messages of its WebSocket, but not too many', async () => {
    const client = await Client.open(`ws://127.0.0.1:${program.port}/probe/socket`, ['a', 'b']);
    assert.equal(client.socket.protocol, 'a');
    client.socket.send('hello');
    assert.equal(await client.nextText(), 'hello');
    const closed = new Promise<number>((resolve) => client.socket.once('close', resolve));
    for (let at = 0; at < 50; at++) client.socket.send('more');
    assert.equal(await closed, 1008);
  });

  it('has room for so many at once; each counts as a connection, until its client goes', async () => {
    const requests = [];
    for (let at = 0; at < 64; at++) requests.push(request(`${base()}/silence?ms=60000`, { agent: false }).end());
    await Promise.all(requests.map((each) => new Promise((resolve) => each.once('response', resolve))));
    const open = async (): Promise<unknown> =>
      ((await ask(`http://127.0.0.1:${program.port}/live`)).json()['total'] as { open: number }).open;
    assert.equal(await open(), 64);
    const { status, headers, json } = await ask(`${base()}/wait?ms=0`);
    assert.deepEqual([status, headers['retry-after'], json()['code']], [503, '5', 'PB_PROBE_BUSY']);
    for (const each of requests) each.on('error', () => {}).destroy();
    while ((await open()) !== 0);
    assert.equal((await ask(`${base()}/wait?ms=0`)).status, 200);
  });

  it('ends what is under way with the server', async () => {
    const own = await Program.start();
    const waiting = ask(`${own.base}/probe/wait?ms=60000`);
    const silent = request(`${own.base}/probe/silence?ms=60000`, { agent: false }).end();
    await new Promise((resolve) => silent.once('response', (answer) => resolve(answer.resume())));
    const stopped = own.stop();
    assert.equal((await waiting).status, 503);
    await stopped;
  });
});
