// requires: curl
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { serve, type Site } from './support/site.ts';

const guide = readFileSync(new URL('../../../../../docs/guide/connect.md', import.meta.url), 'utf8');
const blocks = Array.from(guide.matchAll(/^```sh\n([^]*?)^```$/gm), ([, block]) => block!);
const commands = blocks.flatMap((block) => block.split('\n').filter(Boolean));
const curl = process.env['PULSEBEACON_CURL'] ?? 'curl';

/** What each prints, in order; those that go on are ended once they have. Both publish once they are waited for. */
const EXPECTED: readonly (readonly RegExp[])[] = [
  [/"type":"welcome"/, /"type":"published","id":1,"channel":"news","position":"[^"]+","duplicate":false/],
  [/^\{"type":"welcome"/m, /"data":"hello"\}\n/, /"channel":"weather"/, /^\{"type":"heartbeat"\}$/m],
  [/^event: welcome\ndata: /m, /^data: .*"data":"hello"\}\n\n/m, /"channel":"weather"/, /^event: heartbeat$/m],
  [/"subscribed".*"data":"next"/],
  [/"subscribed".*"data":"next"/],
  [/"subscribed".*"data":"hello".*"data":"next"/],
  [/"type":"history","id":1.*"data":"hello"/, /"type":"presence","id":2/],
  [/"type":"welcome"/],
];

test('every command line of the guide runs', async (t) => {
  const site = await serve(t, { limits: { heartbeat: 100 } });
  assert.equal(commands.length, EXPECTED.length);
  for (const [index, command] of commands.entries()) {
    await t.test(command, () => run(site, command, EXPECTED[index]!));
  }
});

async function run(site: Site, command: string, expected: readonly RegExp[]): Promise<void> {
  const script = `curl() { command "$CURL" --no-progress-meter --max-time 20 "$@"; }\n`;
  const child = spawn('sh', ['-c', script + command.replaceAll(':8080', `:${site.port}`)], {
    env: { ...process.env, CURL: curl },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  let stdout = '';
  const closed = once(child, 'close');
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    // A stream does not end by itself.
    if (command.includes(' -N ') && expected.every((part) => part.test(stdout))) process.kill(-child.pid!, 'SIGTERM');
  });
  if (command.includes('wait=') && !command.includes('"all"')) {
    await site.until(() => site.hub.counts().subscriptions === 1);
    await site.hub.channel('news').publish('next');
  }
  await closed;
  for (const part of expected) assert.match(stdout, part);
}
