// What an ordinary request is answered, path by path.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ask } from './support/http.ts';
import { Program } from './support/program.ts';

describe('the routes', () => {
  let program: Program;
  let base: string;
  before(async () => {
    program = await Program.start(['--public-url', 'https://live.example.com', '--log-level', 'debug']);
    base = program.base;
  });
  after(() => program?.stop());

  it('never writes down a key that comes by the query', async () => {
    await ask(`${base}/nowhere?a=1&access_token=secret-1&b&access%5Ftoken=secret-2`);
    const { msg } = await program.waitFor(({ msg: text }) => String(text).startsWith('GET /nowhere'));
    assert.match(String(msg), /^GET \/nowhere\?a=1&access_token=…&b&access%5Ftoken=… 404 /);
  });

  it('leads those who type an address to the page that they mean, and to no other host', async () => {
    const addresses = ['/demo', '/demo/', '/demo/chat/', '/dashboard/', '//dashboard/', '//demo', '/nowhere/', '/-/'];
    const answers = await Promise.all(addresses.map((path) => ask(base + path)));
    assert.deepEqual(
      answers.map(({ status, headers }) => [status, headers['location']]),
      [
        [308, '/demo/chat'],
        [308, '/demo/chat'],
        [308, '/demo/chat'],
        [308, '/dashboard'],
        [404, undefined],
        [404, undefined],
        [404, undefined],
        [200, undefined],
      ],
    );
  });

  describe('/', () => {
    it('is the page, with its policy', async () => {
      const { status, headers, text } = await ask(`${base}/`);
      assert.equal(status, 200);
      assert.equal(headers['content-type'], 'text/html; charset=utf-8');
      assert.equal(Number(headers['content-length']), Buffer.byteLength(text));
      assert.match(text, /^<!doctype html>/);
      const policy = new Map(
        headers['content-security-policy']!.split('; ').map((rule) => {
          const [name, ...values] = rule.split(' ');
          return [name, values.join(' ')];
        }),
      );
      assert.deepEqual(Object.fromEntries(policy), {
        'default-src': "'none'",
        'script-src': "'self'",
        'style-src': "'self'",
        'img-src': "'self'",
        'connect-src': `'self' ws://127.0.0.1:${program.port} wss://127.0.0.1:${program.port}`,
        'base-uri': "'none'",
        'form-action': "'none'",
        'frame-ancestors': "'none'",
        'require-trusted-types-for': "'script'",
        'trusted-types': "'none'",
      });
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['x-frame-options'], 'DENY');
      assert.equal(headers['referrer-policy'], 'no-referrer');
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
      assert.equal(headers['cross-origin-embedder-policy'], 'require-corp');
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
    });

    it('refers to files that are there, of the right type, and to nothing elsewhere', async () => {
      const { text } = await ask(`${base}/`);
      const links = [...text.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, link]) => link!);
      const find = (pattern: RegExp): string =>
        links.find((link) => pattern.test(link)) ?? assert.fail(String(pattern));
      for (const link of links) {
        assert.match(link, /^\/(?!\/)/);
        assert.equal((await ask(`${base}${link}`)).status, 200, link);
      }
      const types = {
        [find(/^\/-\/assets\/index-[\w-]{8}\.css$/)]: 'text/css; charset=utf-8',
        [find(/^\/-\/assets\/index-[\w-]{8}\.js$/)]: 'text/javascript; charset=utf-8',
        [find(/^\/-\/icon\.svg$/)]: 'image/svg+xml',
      };
      for (const [link, type] of Object.entries(types)) {
        const { headers } = await ask(`${base}${link}`);
        assert.equal(headers['content-type'], type);
        // What has a digest in its name never changes.
        const isHashed = link.startsWith('/-/assets/');
        assert.equal(headers['cache-control'], isHashed ? 'public, max-age=31536000, immutable' : 'no-cache', link);
      }
    });

    it('has nothing inline, neither script nor style', async () => {
      const { text } = await ask(`${base}/`);
      assert.doesNotMatch(text, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
    });

    it('is kept by caches, and asked for again', async () => {
      const { headers, body } = await ask(`${base}/`);
      assert.equal(headers['cache-control'], 'no-cache');
      const etag = headers['etag']!;
      assert.match(etag, /^"[\w-]+"$/);
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await ask(`${base}/`, { headers: { 'If-None-Match': known } });
        assert.equal(again.status, 304, known);
        assert.equal(again.body.length, 0);
        assert.equal(again.headers['etag'], etag);
        assert.match(again.headers['content-security-policy']!, /default-src 'none'/);
      }
      const other = await ask(`${base}/`, { headers: { 'If-None-Match': '"other"' } });
      assert.equal(other.status, 200);
      assert.deepEqual(other.body, body);
    });

    it('answers HEAD as GET, without the body', async () => {
      const [get, head] = [await ask(`${base}/`), await ask(`${base}/`, { method: 'HEAD' })];
      assert.equal(head.status, 200);
      assert.equal(head.body.length, 0);
      for (const field of ['content-type', 'content-length', 'etag', 'cache-control']) {
        assert.equal(head.headers[field], get.headers[field], field);
      }
    });

    it('is at /-/ as well', async () => {
      assert.deepEqual((await ask(`${base}/-/`)).body, (await ask(`${base}/?x=1`)).body);
    });
  });

  describe('/echo', () => {
    it('says 426 to a GET without Upgrade, and what to upgrade to', async () => {
      const { status, headers, json } = await ask(`${base}/echo`);
      assert.equal(status, 426);
      assert.equal(headers['content-type'], 'application/problem+json');
      assert.equal(headers['upgrade'], 'websocket');
      assert.match(headers['connection']!, /upgrade/i);
      assert.equal(headers['sec-websocket-version'], '13');
      assert.equal(json()['code'], 'PB_HANDSHAKE_UPGRADE_MISSING');
    });

    it('says 405 to other methods, and what it allows', async () => {
      for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
        const answer = await ask(`${base}/echo`, { method });
        assert.equal(answer.status, 405);
        assert.equal(answer.headers['allow'], 'GET, POST');
        assert.equal(answer.headers['content-type'], 'application/problem+json');
        assert.equal(answer.json()['code'], 'PB_METHOD_NOT_ALLOWED');
      }
    });

    const UPGRADE = {
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      it(`says 405 to ${method} with Upgrade`, async () => {
        const answer = await ask(`${base}/echo`, { method, headers: UPGRADE });
        assert.equal(answer.status, 405);
        assert.equal(answer.headers['allow'], 'GET');
        assert.equal(answer.headers['content-type'], 'application/problem+json');
        assert.equal(answer.json()['code'], 'PB_HANDSHAKE_METHOD');
      });
    }

    it('serves a request that asks for another protocol as HTTP/1.1 (RFC 9110 §7.8)', async () => {
      const headers = {
        Upgrade: 'h2c',
        Connection: 'Upgrade, HTTP2-Settings',
        'HTTP2-Settings': 'AAMAAABkAAQAoAAAAAIAAAAA',
      };
      const health = await ask(`${base}/healthz`, { headers });
      assert.equal(health.status, 200);
      assert.deepEqual(health.json(), { status: 'ok' });
      const echo = await ask(`${base}/echo`, { method: 'POST', headers, body: 'hello' });
      assert.deepEqual([echo.status, echo.text], [200, 'hello']);
    });
  });

  it('/healthz is well, and whoever asks may call it by any name', async () => {
    for (const host of ['127.0.0.1', '10.1.2.3:8080', 'balancer.internal']) {
      const { status, headers, json } = await ask(`${base}/healthz`, { headers: { Host: host } });
      assert.equal(status, 200);
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['cache-control'], 'no-store');
      assert.deepEqual(json(), { status: 'ok' });
    }
    assert.equal((await ask(`${base}/healthz`, { method: 'HEAD' })).status, 200);
  });

  it('/live tells the counts to those who only ask', async () => {
    const { status, headers, json } = await ask(`${base}/live`);
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['cache-control'], 'no-store');
    const { echo, live, total } = json() as Record<string, Record<string, number>>;
    assert.deepEqual([echo!['open'], live!['open'], total!['open']], [0, 0, 0]);
    assert.equal(typeof echo!['messagesIn'], 'number');
  });

  for (const path of ['/healthz', '/live', '/', '/-/first-view.js', '/trace/abcdefghijklmnopqrstuvwx']) {
    it(`${path} says 405 to POST, and what it allows`, async () => {
      const { status, headers, json } = await ask(`${base}${path}`, { method: 'POST', body: 'x=1' });
      assert.equal(status, 405);
      assert.equal(headers['allow'], 'GET, HEAD');
      assert.equal(headers['content-type'], 'application/problem+json');
      assert.equal(json()['code'], 'PB_METHOD_NOT_ALLOWED');
    });
  }

  it('answers OPTIONS', async () => {
    for (const path of ['/', '*']) {
      const { status, headers } = await ask(base, { method: 'OPTIONS', path });
      assert.equal(status, 204);
      assert.equal(headers['allow'], 'GET, HEAD, OPTIONS');
    }
  });

  for (const path of [
    '/nothing',
    '/index',
    '/-/nothing.js',
    '/-/../package.json',
    '/-/%2e%2e/package.json',
    '/echo/',
    '/live/x',
    '//',
    '/__proto__',
    '/-/constructor',
    '/trace/',
    '/trace/abcdefghijklmnopqrstuvwx',
    '/favicon.ico',
  ]) {
    it(`${path} is a problem document with 404`, async () => {
      const { status, headers, json } = await ask(base, { path });
      assert.equal(status, 404);
      assert.equal(headers['content-type'], 'application/problem+json');
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      const { type, title, status: inBody, detail, code } = json();
      assert.deepEqual({ type, title, inBody }, { type: 'about:blank', title: 'Not Found', inBody: 404 });
      assert.equal(code, path.startsWith('/trace/') ? 'PB_TRACE_UNKNOWN' : 'PB_NOT_FOUND');
      assert.equal(typeof detail, 'string');
    });
  }

  describe('Host', () => {
    // First of all, because the log has at most ten such lines a second.
    it('says in the log which option would allow it', async () => {
      await ask(`${base}/`, { headers: { Host: 'intranet.test' } });
      const { level, msg } = await program.waitFor(({ msg: text }) => text.includes('intranet.test'));
      assert.equal(level, 'warn');
      assert.match(msg, /refused with 421 at \/: .*"intranet\.test"; --public-url http:\/\/intranet\.test/);
    });

    for (const host of [
      'localhost',
      'LOCALHOST:1',
      'localhost.',
      'a.localhost',
      '127.0.0.1',
      '127.9.9.9:80',
      '[::1]:8080',
      'live.example.com',
      'Live.Example.com:443',
    ]) {
      it(`answers for ${host}`, async () => {
        assert.equal((await ask(`${base}/live`, { headers: { Host: host } })).status, 200);
      });
    }

    for (const host of [
      'example.com',
      'localhost.evil.com',
      'evil-localhost',
      '127.0.0.1.evil.com',
      '10.0.0.1',
      '[::2]',
      'live.example.com.evil.com',
      'a@localhost',
      'localhost:80:80',
      'x'.repeat(300),
    ]) {
      it(`says 421 for ${host.slice(0, 30)}`, async () => {
        const { status, headers, json } = await ask(`${base}/live`, { headers: { Host: host } });
        assert.equal(status, 421);
        assert.equal(headers['content-type'], 'application/problem+json');
        assert.equal(json()['code'], 'PB_HOST_UNKNOWN');
      });
    }

    it('looks at the host of an absolute target in place of Host (RFC 9112 §3.2.2)', async () => {
      assert.equal((await ask(base, { path: 'http://evil.test/live', headers: { Host: 'localhost' } })).status, 421);
      const page = await ask(base, { path: 'http://localhost:1/', headers: { Host: 'evil.test; script-src *' } });
      assert.equal(page.status, 200);
      assert.match(
        page.headers['content-security-policy']!,
        /connect-src 'self' ws:\/\/localhost:1 wss:\/\/localhost:1;/,
      );
    });
  });
});
