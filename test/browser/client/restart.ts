// The program is killed in mid-stream, and another process takes over its data.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../support/cleanup.ts';
import { KillableServer } from '../../support/killable.ts';
import { inClone } from '../../support/root.ts';
import { ClientPage } from './client-page.ts';
import type { Stage } from './stage.ts';

const TRANSPORTS = ['websocket', 'ndjson', 'sse', 'poll'] as const;
const CONFIG = `namespaces:
  - match: news
    publish: anyone
    history: { size: 10000 }
`;

export function testRestart(stage: Stage): void {
  test('a server that is killed in mid-stream: pages have all that was acknowledged, once and in order', async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(path.join(folder, 'config.yaml'), CONFIG);
    const pages = inClone('test/browser/client/pages');
    const args = ['--config', path.join(folder, 'config.yaml'), '--data', path.join(folder, 'data'), '--static', pages];
    const server = new KillableServer(t, [...args, '--message-rate', 'off', '--handshake-rate', 'off']);
    await server.start();
    const followers: ClientPage[] = [];
    for (const transport of TRANSPORTS) {
      const page = await ClientPage.show(await stage.tab(t), server.port);
      await page.start({ transports: [transport] });
      followers.push(page);
    }
    // One of the pages publishes, all the time, each publication until it is acknowledged.
    const [first] = followers as [ClientPage];
    await first.page.evaluate(`(() => {
      globalThis.replies = [];
      globalThis.timer = setInterval(() => replies.push(publish(replies.length)), 50);
    })()`);
    for (let kill = 0; kill < 2; kill++) {
      await Promise.all(followers.map((page) => page.more(5)));
      await server.killAndStart();
    }
    await Promise.all(followers.map((page) => page.more(5)));
    const sent = (await first.page.evaluate(
      'clearInterval(timer), Promise.all(replies).then(() => replies.length)',
    )) as number;
    for (const [at, page] of followers.entries()) {
      const { data, gaps, transport } = await page.until(`seen.data.length >= ${sent}`);
      assert.deepEqual(
        data,
        Array.from({ length: sent }, (_, number) => number),
      );
      assert.deepEqual([gaps, transport], [0, TRANSPORTS[at]]);
    }
  });
}
