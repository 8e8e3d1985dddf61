// requires: nginx, haproxy, python-websockets, gorilla
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { gorilla } from '../support/gorilla.ts';
import { startHaproxy, startNginx } from '../support/proxy.ts';
import { python } from '../support/python.ts';
import { Site } from '../support/site.ts';

// Before the first test: when none is left that is known of, what was started is ended.
const PROXIES = await Promise.all(
  Object.entries({ nginx: startNginx, HAProxy: startHaproxy }).map(async ([name, start]) => {
    const site = await Site.start({ after });
    return { name, start, site, port: await start({ after }, site.port) };
  }),
);

for (const { name, start, site, port } of PROXIES) {
  describe(`through ${name}, Python's websockets`, { concurrency: 2 }, () => {
    for (const scenario of ['messages', 'fragments']) {
      test(scenario, async (t) => {
        const { code } = await python(t, scenario, site.socket('/takeover', port));
        assert.equal(code, 1000);
      });
    }

    test('limits', async (t) => {
      const { codes } = await python(t, 'limits', site.socket('/echo', port));
      assert.deepEqual(codes, [1009, 1009, 1009]);
    });

    test('permessage-deflate', async (t) => {
      const { agreed } = await python(t, 'deflate', site.socket('/deflate', port), '{}');
      assert.match(String(agreed), /^PerMessageDeflate\(/);
    });

    test('closing', async (t) => {
      const { seen } = await python(t, 'closed', site.socket('/commands', port));
      assert.deepEqual(seen, [[1000, ''], [1001, 'going'], [1012, 'restart'], [4001, 'grüß dich'], null]);
    });

    test('refused', async (t) => {
      assert.equal((await python(t, 'refused', site.socket('/private', port)))['status'], 401);
    });

    test('pings through the idle timeout of the proxy', async (t) => {
      const pinging = await Site.start(t, { pingInterval: 200 });
      const through = await start(t, pinging.port, { idle: '2s' });
      const { code } = await python(t, 'idle', pinging.socket('/echo', through), '15');
      assert.equal(code, 1000);
    });
  });

  describe(`through ${name}, Go's gorilla/websocket`, () => {
    for (const path of ['/echo', '/deflate']) {
      for (const scenario of ['messages', 'fragments']) {
        test(`${scenario} at ${path}`, async (t) => {
          assert.equal((await gorilla(t, scenario, site.socket(path, port)))['code'], 1000);
        });
      }
    }

    test('limits', async (t) => {
      const seen = await gorilla(t, 'limits', site.socket('/echo', port));
      assert.deepEqual(seen, { code: 1000, tooLarge: 1009, tooMany: 1008 });
    });

    test('closing', async (t) => {
      const { codes } = await gorilla(t, 'closed', site.socket('/commands', port));
      assert.deepEqual(codes, [1000, 1001, 1012, 4001, 1006]);
    });

    test('refused', async (t) => {
      const seen = await gorilla(t, 'refused', site.socket('/forbidden', port));
      assert.deepEqual(seen, { status: 403, type: 'application/problem+json' });
    });

    test('two hundred connections at once, and none is left', async (t) => {
      await gorilla(t, 'many', site.socket('/echo', port));
      await site.empty();
    });
  });
}
