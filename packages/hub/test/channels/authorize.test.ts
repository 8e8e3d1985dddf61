import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Scope, Site } from '../support/site.ts';
import { Stream } from '../support/stream.ts';

const CHANNEL = '/channels/news';

const WAYS: Readonly<Record<string, (scope: Scope, site: Site) => Promise<unknown>>> = {
  'a WebSocket': (_, site) => site.socket(`${CHANNEL}?since=all`),
  'a WebSocket with envelopes': (_, site) => site.socket(`${CHANNEL}?since=all&as=json`),
  'an event stream': (scope, site) => Stream.open(scope, `${site.url}${CHANNEL}?as=sse&since=all`),
  'a poll': (_, site) => site.fetch(`${CHANNEL}?wait=0&since=all`),
};

for (const [way, follow] of Object.entries(WAYS)) {
  test(`authorize is asked once about the channel, and once about its history: ${way}`, async (t) => {
    const asked: string[] = [];
    const site = await Site.start(t, { hooks: { authorize: (action) => void asked.push(action) } });
    await follow(t, site);
    await site.until(() => site.hub.counts().accepted === 1);
    assert.deepEqual(asked, ['subscribe', 'history']);
  });
}
