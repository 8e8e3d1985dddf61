// The dashboard as a server: who may see it, what it tells, and what it can do.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ChannelDetail, ConnectionDetail, ConnectionList, Figures, Messages, Now } from 'pulsebeacon/dashboard';
import { ask } from './support/http.ts';
import { Program, runProgram } from './support/program.ts';
import { Client, refused } from './support/sockets.ts';

/** As if it came through a proxy: whoever it is, they are not on this machine. */
const ELSEWHERE = { 'X-Forwarded-For': '192.0.2.1' };
/** Those of the guide. */
const guide = await readFile(new URL('../../../../docs/guide/dashboard.md', import.meta.url), 'utf8');
const COMMANDS = Array.from(guide.matchAll(/^curl .*$/gm), ([line]) => line);
/** One that a page could hold open. */
const LIVE = 'live/channels/now';
const RESOURCES = ['now', 'connections', 'channels', 'channels/news', 'connections/nobody'];

describe('the dashboard', () => {
  let program: Program;
  let folder: string;
  const keys = { admin: '', publisher: '' };
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-dashboard-'));
    const create = async (rights: string): Promise<string> => {
      const { stdout } = await runProgram(['keys', 'create', '--rights', rights, '--data', folder]);
      return /pb_\w{8}_[\w-]{43}/.exec(stdout)![0];
    };
    keys.admin = await create('admin');
    keys.publisher = await create('publish,subscribe');
    program = await Program.start(['--data', folder]);
  });
  after(async () => {
    await program?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const at = (resource: string): string => `${program.base}/dashboard/${resource}`;
  const read = async <T>(resource: string): Promise<T> => {
    const { status, json, text } = await ask(at(resource));
    assert.equal(status, 200, text);
    return json() as T;
  };
  const bearer = (key: string): Record<string, string> => ({ ...ELSEWHERE, Authorization: `Bearer ${key}` });
  const follow = (channel: string, query = ''): Promise<Client> =>
    Client.open(`${program.socketBase}/dashboard/live/channels/${channel}?as=json${query}`);
  const only = async (text: string): Promise<ConnectionDetail> => {
    const { items } = await read<ConnectionList>(`connections?text=${encodeURIComponent(text)}`);
    assert.equal(items.length, 1, JSON.stringify(items));
    return read<ConnectionDetail>(`connections/${items[0]!.id}`);
  };

  it('has a page for everybody, which shows nothing by itself', async () => {
    const { status, headers, text } = await ask(`${program.base}/dashboard`, { headers: ELSEWHERE });
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(headers['cache-control'], 'no-cache');
    assert.match(headers['content-security-policy']!, /script-src 'self'; style-src 'self';/);
    assert.doesNotMatch(text, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
  });

  for (const resource of RESOURCES) {
    it(`keeps ${resource} for those who run the server`, async () => {
      const { status, headers, json } = await ask(at(resource), { headers: ELSEWHERE });
      assert.deepEqual([status, json()['code']], [401, 'PB_UNAUTHENTICATED']);
      assert.equal(headers['www-authenticate'], 'Bearer realm="pulsebeacon"');
      assert.equal(headers['content-type'], 'application/problem+json');
      const publisher = await ask(at(resource), { headers: bearer(keys.publisher) });
      assert.deepEqual([publisher.status, publisher.json()['code']], [403, 'PB_ADMIN_ONLY']);
      const wrong = await ask(at(resource), { headers: bearer(`${keys.admin.slice(0, -2)}xx`) });
      assert.deepEqual([wrong.status, wrong.json()['code']], [401, 'PB_UNAUTHENTICATED']);
      const right = await ask(at(resource), { headers: bearer(keys.admin) });
      assert.equal(right.status, resource === 'connections/nobody' ? 404 : 200);
    });

    it(`says what ${resource} allows`, async () => {
      const { status, headers, json } = await ask(at(resource), { method: 'PUT' });
      assert.deepEqual([status, json()['code']], [405, 'PB_METHOD_NOT_ALLOWED']);
      assert.equal(headers['allow'], resource.startsWith('connections/') ? 'GET, HEAD, DELETE' : 'GET, HEAD');
    });
  }

  for (const resource of [...RESOURCES, LIVE]) {
    it(`keeps ${resource} from pages of other origins`, async () => {
      const foreign = [
        { 'Sec-Fetch-Site': 'cross-site' },
        { 'Sec-Fetch-Site': 'same-site' },
        { Origin: 'https://evil.example' },
        { Origin: 'null' },
        { Origin: `http://localhost:${program.port + 1}` },
      ];
      for (const headers of foreign) {
        const { status, json } = await ask(at(resource), { headers });
        assert.deepEqual([status, json()['code']], [403, 'PB_ORIGIN_FORBIDDEN'], JSON.stringify(headers));
      }
    });
  }

  it('keeps its channels for the same ones, and takes nothing in', async () => {
    const figures = `${program.socketBase}/dashboard/live/channels/figures`;
    assert.equal((await refused(figures, { headers: ELSEWHERE })).status, 401);
    assert.equal((await refused(figures, { headers: bearer(keys.publisher) })).status, 403);
    assert.equal((await refused(figures, { headers: { Origin: 'https://evil.example' } })).status, 403);
    const allowed = await Client.open(figures, [], { headers: bearer(keys.admin) });
    await allowed.close();
    const post = await ask(at('live/channels/figures'), { method: 'POST', body: '{}' });
    assert.deepEqual([post.status, post.json()['code']], [403, 'PB_FORBIDDEN']);
  });

  it('has no seat for whoever may see nothing: their places are those of operators', async () => {
    const connect = `${program.socketBase}/dashboard/live/connect`;
    const hello = JSON.stringify({ type: 'hello', versions: [1] });
    for (const [headers, code] of [
      [ELSEWHERE, 'PB_UNAUTHENTICATED'],
      [bearer(keys.publisher), 'PB_FORBIDDEN'],
    ] as const) {
      const stranger = await Client.open(connect, [], { headers });
      stranger.socket.send(hello);
      assert.equal(JSON.parse(await stranger.nextText())['code'], code);
      assert.equal((await stranger.closed).code, 1008);
    }
    const operator = await Client.open(connect, [], { headers: bearer(keys.admin) });
    operator.socket.send(hello);
    assert.equal(JSON.parse(await operator.nextText())['type'], 'welcome');
    assert.equal((await read<Now>('now')).dashboards, 1);
    await operator.close();
  });

  it('says 404 where there is nothing, and 400 to what it cannot read', async () => {
    const codes: Record<string, [number, string]> = {
      nothing: [404, 'PB_NOT_FOUND'],
      'connections/nobody': [404, 'PB_CONNECTION_UNKNOWN'],
      'connections?limit=0': [400, 'PB_QUERY_INVALID'],
      'connections?limit=many': [400, 'PB_QUERY_INVALID'],
      'channels/%zz': [400, 'PB_CHANNEL_NAME'],
    };
    for (const [resource, [status, code]] of Object.entries(codes)) {
      const answer = await ask(at(resource));
      assert.deepEqual([answer.status, answer.json()['code']], [status, code], resource);
    }
    assert.equal((await ask(at('connections/nobody'), { method: 'DELETE' })).status, 404);
  });

  it('has figures of the seconds before somebody came, and whoever looks counts nowhere', async () => {
    const client = await follow('figures', '&since=all');
    const { data: first } = await client.nextJson<{ type: string; data: Figures }>(
      ({ type }) => type === 'publication',
    );
    assert.equal(typeof first.loop.p99, 'number');
    assert(first.memory.rss > first.memory.heap);
    // Those that came before are there at once, and not one a second.
    assert(first.at < Date.now() + 1000);
    const now = await read<Now>('now');
    assert.deepEqual([now.open, now.dashboards, now.accepted], [0, 1, 0]);
    assert.deepEqual((await read<ConnectionList>('connections')).items, []);
    await client.close();
  });

  it('tells who is connected by transport, HTTP version and path, how many at most, and why they went', async () => {
    const clients = await Promise.all([1, 2].map(() => Client.open(`${program.socketBase}/channels/kinds`)));
    await ask(`${program.base}/channels/kinds`, { method: 'POST', body: 'x' });
    await clients[0]!.close(4321);
    const news = await follow('now');
    const wanted = ({ data }: { data?: Now }): boolean => data?.closed['4321'] === 1;
    const { data: now } = await news.nextJson<{ data: Now }>(wanted);
    const kind = now.kinds.find(({ path: template }) => template === '/channels/{name}');
    assert.deepEqual(kind, {
      transport: 'websocket',
      httpVersion: '1.1',
      path: '/channels/{name}',
      count: 1,
      peak: 2,
    });
    assert.equal(now.totals.delivered, 2);
    const channel = now.channels.items.find(({ name }) => name === 'kinds');
    assert.deepEqual([channel?.subscribers, channel?.history], [1, { size: 300, ageMs: 300_000 }]);
    const { publications } = await read<ChannelDetail>('channels/kinds');
    assert.deepEqual(
      publications.map(({ text, size, contentType }) => [text, size, contentType]),
      [['x', 1, 'text/plain; charset=utf-8']],
    );
    await Promise.all([news.close(), clients[1]!.close()]);
  });

  it('shows one connection, its messages when asked, and ends it', async () => {
    const client = await Client.open(`${program.socketBase}/channels/glass?as=json`);
    await client.nextJson<{ type: string }>(({ type }) => type === 'subscribed');
    const { id, address, transport, since, queuedBytes, follows, principal } = await only('/channels/glass');
    assert.deepEqual(
      { address, transport, queuedBytes, follows, principal },
      { address: '127.0.0.1', transport: 'websocket', queuedBytes: 0, follows: ['glass'], principal: 'local' },
    );
    assert(since <= Date.now() && since > Date.now() - 60_000);

    const seen = await follow(`messages:${id}`);
    await seen.nextJson<{ type: string }>(({ type }) => type === 'subscribed');
    client.socket.send(JSON.stringify({ type: 'publish', id: 1, channel: 'glass', data: { a: 1 } }));
    const types = new Set<string>();
    while (types.size < 3) {
      const { data } = await seen.nextJson<{ data?: Messages }>(({ data: content }) => content !== undefined);
      for (const { way, type } of data!.items) types.add(`${way} ${type}`);
    }
    assert.deepEqual([...types].toSorted(), ['in publish', 'out publication', 'out published']);
    await seen.close();

    const { status } = await ask(at(`connections/${id}`), { method: 'DELETE' });
    assert.equal(status, 204);
    const { code, reason } = await client.closed;
    assert.deepEqual([code, reason.split(';')[0]], [1013, 'PB_CLOSED_BY_OPERATOR']);
    await program.waitFor(({ msg }) => msg === `local has closed the connection ${id} by the dashboard`);
    assert.equal((await ask(at(`connections/${id}`))).status, 404);
  });

  it('shows and ends WebSockets that are none of channels, too', async () => {
    const client = await Client.open(`${program.socketBase}/echo`);
    client.socket.send('hello');
    await client.nextText();
    const { id, traffic, canWatch, channels } = await only('/echo');
    assert.deepEqual(traffic, { messagesIn: 1, messagesOut: 1, bytesIn: 5, bytesOut: 5 });
    assert.deepEqual([canWatch, channels], [false, null]);
    await ask(at(`connections/${id}`), { method: 'DELETE' });
    assert.equal((await client.closed).code, 1013);
  });

  for (const command of COMMANDS) {
    it(`is for curl, too: ${command}`, async () => {
      const [, url] = /^curl '?localhost:8080([^']+)'?$/.exec(command)!;
      const { status, text } = await ask(`${program.base}${url}`);
      assert.equal(status, 200, text);
    });
  }

  it('keeps nothing among the channels of the server', async () => {
    for (const channel of ['figures', 'now']) {
      const { json } = await ask(`${program.base}/channels/${channel}`, { headers: { Accept: 'application/json' } });
      assert.deepEqual(json()['publications'], [], channel);
    }
  });

  it('does not know a key that was revoked', async () => {
    const client = await Client.open(`${program.socketBase}/dashboard/live/channels/figures`, [], {
      headers: bearer(keys.admin),
    });
    const id = keys.admin.split('_')[1]!;
    await runProgram(['keys', 'revoke', id, '--data', folder]);
    const { code } = await client.closed;
    assert.equal(code, 1008);
    assert.equal((await ask(at('now'), { headers: bearer(keys.admin) })).status, 401);
  });
});
