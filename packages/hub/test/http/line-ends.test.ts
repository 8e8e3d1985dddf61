import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawHttp } from '../support/raw-http.ts';
import { OPEN, Site } from '../support/site.ts';

const ENCODED = ['%0D%0AX-Injected:%20y', '%0AX-Injected:%20y', '%0DX-Injected:%20y', '%00'];
const PLAIN = ['\r\nX-Injected: y', '\nX-Injected: y', '\rX-Injected: y', '\0'];

/** Whatever of a request comes back in its answer's header. */
const TARGETS = ['%', '%?last', 'news%', 'news?since=%', 'news?as=%', 'news?at=%', 'news?wait=1%', 'news?limit=%'];

test('CR, LF and NUL of a request get into no header of its answer (HARDENING 14)', async (t) => {
  const site = await Site.start(t, { ...OPEN, allowedOrigins: '*' });
  await site.hub.channel('news').publish('one');
  for (const bad of ENCODED) {
    for (const target of TARGETS) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const client = await RawHttp.connect(t, site.port);
        const path = `/channels/${target.replace('%', bad)}`;
        client.send([`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close', 'Content-Length: 0']);
        const [head = ''] = (await client.over).split('\r\n\r\n');
        assert.match(head, /^HTTP\/1\.1 \d/, path);
        assert.doesNotMatch(head, /^X-Injected|\0|(?<!\r)\n|\r(?!\n)/m, path);
      }
    }
  }
});

test('nor do those of a publication: its content type and its key are refused, or encoded', async (t) => {
  const site = await Site.start(t);
  const channel = site.hub.channel('news');
  for (const bad of PLAIN) {
    for (const contentType of [`text/plain${bad}`, `text/plain; a=b${bad}`, `text/plain; a="${bad}"`]) {
      await assert.rejects(channel.publish('x', { contentType }), /PB_MEDIA_TYPE|Content-Type/);
      const socket = await site.socket('/connect', { subprotocols: ['pulsebeacon.json'] });
      socket.send(JSON.stringify({ type: 'publish', id: 1, channel: 'news', data: 'x', contentType }));
      for await (const message of socket.messages()) {
        assert.match(String(message), /"code":"PB_MEDIA_TYPE"/);
        break;
      }
      socket.terminate();
    }
    await channel
      .publish('x', { key: `k${bad}` })
      .catch((error: { code?: string }) => assert.match(error.code!, /^PB_/));
    const last = await site.fetch('/channels/news?last');
    assert.equal(last.headers.get('x-injected'), null);
  }
});
