import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Site, type SiteOptions } from '../support/site.ts';
import { RawHttp } from '../support/raw-http.ts';

const NAMESPACES = [{ match: '*', publish: 'anyone' }] as const;
const HOST = 'beacon.example:8080';

/** What a POST with these fields is answered, and why it was refused. */
async function post(site: Site, fields: Record<string, string>): Promise<string> {
  const client = await RawHttp.connect({ after: () => {} }, site.port);
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  client.send(['POST /channels/news HTTP/1.1', `Host: ${HOST}`, ...lines, 'Content-Length: 2'], 'hi');
  const head = await client.until('\r\n\r\n');
  client.socket.destroy();
  return head;
}

const LISTED: SiteOptions = { namespaces: NAMESPACES, allowedOrigins: ['https://app.example'] };
const PUBLIC: SiteOptions = { namespaces: NAMESPACES, publicUrl: 'https://beacon.example' };
const ANY: SiteOptions = { namespaces: NAMESPACES, allowedOrigins: '*' };
const DEFAULT: SiteOptions = { namespaces: NAMESPACES };

const TABLE: readonly (readonly [string, SiteOptions, Record<string, string>, number])[] = [
  ['no browser', DEFAULT, {}, 201],
  ['the same origin', DEFAULT, { Origin: `http://${HOST}`, 'Sec-Fetch-Site': 'same-origin' }, 201],
  ['the same host by https, before a proxy', DEFAULT, { Origin: `https://${HOST}` }, 201],
  ['a foreign origin', DEFAULT, { Origin: 'http://evil.example' }, 403],
  ['another port', DEFAULT, { Origin: 'http://beacon.example:8081' }, 403],
  ['a suffix', DEFAULT, { Origin: `http://x${HOST}` }, 403],
  ['a prefix', DEFAULT, { Origin: 'http://beacon.example.evil.example:8080' }, 403],
  ['userinfo', DEFAULT, { Origin: `http://evil@${HOST}` }, 403],
  ['null', DEFAULT, { Origin: 'null' }, 403],
  ['cross-site without Origin', DEFAULT, { 'Sec-Fetch-Site': 'cross-site' }, 403],
  [
    'cross-site without Origin, where that is allowed',
    { ...DEFAULT, missingOrigin: 'allow' },
    { 'Sec-Fetch-Site': 'cross-site' },
    403,
  ],
  [
    'cross-site with an origin that looks like ours',
    DEFAULT,
    { Origin: `http://${HOST}`, 'Sec-Fetch-Site': 'cross-site' },
    403,
  ],
  ['a listed origin', LISTED, { Origin: 'https://app.example', 'Sec-Fetch-Site': 'cross-site' }, 201],
  ['a listed origin, by http', LISTED, { Origin: 'http://app.example' }, 403],
  ['a listed origin in capitals', LISTED, { Origin: 'HTTPS://APP.EXAMPLE' }, 201],
  ['the public URL', PUBLIC, { Origin: 'https://beacon.example', 'Sec-Fetch-Site': 'same-origin' }, 201],
  ['the Host, beside a public URL', PUBLIC, { Origin: `http://${HOST}` }, 403],
  ['anybody, where all are allowed', ANY, { Origin: 'http://evil.example', 'Sec-Fetch-Site': 'cross-site' }, 201],
];

for (const [name, options, fields, status] of TABLE) {
  test(`publishing from ${name}: ${status}`, async (t) => {
    const site = await Site.start(t, options);
    assert.match(await post(site, fields), new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.equal(site.hub.counts().published, status === 201 ? 1 : 0);
    if (status === 201) return;
    const { code, message } = site.refused[0]!;
    assert.equal(code, 'PB_ORIGIN_FORBIDDEN');
    assert.match(message, /allowedOrigins|missingOrigin/);
    if (fields['Origin'] !== undefined) assert.ok(message.includes(JSON.stringify(fields['Origin'])), message);
    assert.match(message, /compared with "(beacon\.example:8080|https:\/\/beacon\.example)"/);
    if (fields['Sec-Fetch-Site'] !== undefined) assert.match(message, /Sec-Fetch-Site "cross-site"/);
  });
}

test('a handshake of a foreign origin is refused as by HTTP, and told to the hub', async (t) => {
  const site = await Site.start(t, DEFAULT);
  await assert.rejects(site.socket('/channels/news', { origin: 'http://evil.example' }), { status: 403 });
  assert.equal(site.refused[0]!.code, 'PB_ORIGIN_FORBIDDEN');
  assert.match(site.refused[0]!.message, /evil\.example/);
});

const cors = (response: Response): Record<string, string | null> => ({
  origin: response.headers.get('access-control-allow-origin'),
  credentials: response.headers.get('access-control-allow-credentials'),
});

test('only pages of listed origins may read; every answer varies by Origin', async (t) => {
  const site = await Site.start(t, LISTED);
  const read = (origin?: string, path = '/channels/news'): Promise<Response> =>
    site.fetch(path, { headers: origin === undefined ? {} : { Origin: origin } });
  const listed = await read('https://app.example');
  assert.deepEqual(cors(listed), { origin: 'https://app.example', credentials: 'true' });
  assert.match(listed.headers.get('access-control-expose-headers')!, /Pulse-Position/);
  assert.deepEqual(cors(await read('http://evil.example')), { origin: null, credentials: null });
  assert.deepEqual(cors(await read()), { origin: null, credentials: null });
  for (const response of [listed, await read()]) assert.match(response.headers.get('vary')!, /Origin, Accept, Prefer/);
  // What is wrong is for the page to read, too.
  const refused = await read('https://app.example', '/channels/news?since=nonsense');
  assert.equal(refused.status, 400);
  assert.equal(cors(refused)['origin'], 'https://app.example');
});

test('where every origin is allowed, none is with credentials (Fetch §3.3.5)', async (t) => {
  const site = await Site.start(t, ANY);
  const response = await site.fetch('/channels/news', { headers: { Origin: 'http://evil.example' } });
  assert.deepEqual(cors(response), { origin: '*', credentials: null });
});

test('a preflight is answered without credentials, for listed origins', async (t) => {
  const site = await Site.start(t, { ...LISTED, namespaces: [{ match: '*', subscribe: 'granted' }] });
  const ask = (origin: string): Promise<Response> =>
    site.fetch('/channels/news', {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'idempotency-key',
      },
    });
  const listed = await ask('https://app.example');
  assert.equal(listed.status, 204);
  assert.equal(listed.headers.get('content-length'), null);
  assert.equal(listed.headers.get('access-control-allow-methods'), 'GET, HEAD, POST, OPTIONS');
  assert.match(listed.headers.get('access-control-allow-headers')!, /Idempotency-Key/);
  assert.equal(listed.headers.get('access-control-max-age'), '7200');
  const foreign = await ask('http://evil.example');
  assert.equal(foreign.status, 204);
  assert.equal(foreign.headers.get('allow'), 'GET, HEAD, POST, OPTIONS');
  assert.equal(foreign.headers.get('access-control-allow-methods'), null);
});
