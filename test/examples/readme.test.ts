// requires: curl
// The lines of the README and of the guide to channels, verbatim: that of a shell, against the program on a port of its
// own. The name localhost:8080, which the lines have, leads there.
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { temporaryFolder } from '../support/cleanup.ts';
import { Program } from '../support/program.ts';
import { inClone } from '../support/root.ts';

const PAGES = ['README.md', 'docs/guide/channels.md'];
const folder = await temporaryFolder({ after });
const data = path.join(folder, 'data');

const serve = async (): Promise<{ program: Program; port: string }> => {
  const args = ['serve', '--port', '0', '--log-format', 'json', '--data', data];
  const program = new Program({ after }, process.execPath, [inClone('packages/gateway/bin/pulsebeacon.js'), ...args]);
  const [, port] = await program.printed(/"event":"ready".*?"port":(\d+)/);
  return { program, port: port! };
};

const { program, port } = await serve();

const home = path.join(folder, 'home');
await mkdir(home);
const bin = inClone('packages/gateway/bin/pulsebeacon.js');
// npx looks the program up and runs it below a shell, which a signal ends without it.
await writeFile(path.join(home, 'npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${bin}' "$@"\n`, {
  mode: 0o755,
});
await writeFile(path.join(home, '.curlrc'), `connect-to = "localhost:8080:127.0.0.1:${port}"\nsilent\n`);

const publish = async (channel: string, body: string): Promise<string> => {
  const answer = await fetch(`http://127.0.0.1:${port}/channels/${channel}`, { method: 'POST', body });
  assert.equal(answer.status, 201);
  return ((await answer.json()) as { position: string }).position;
};

/** A line that goes on until somebody has seen enough, or, a poll that begins now, until something is published. */
const isEndless = (line: string): boolean => / -N |\bsubscribe\b|\?wait=\d+'$/.test(line);

/** What a line is to print, once something is published in the channel that it names. */
function expected(line: string): RegExp {
  if (line.includes('Upgrade: websocket')) return /101 Switching Protocols[^]*s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/;
  if (line.includes('?last')) return /before/;
  if (/ -d | --data|publish|^POSITION=/.test(line)) return /[\w-]+\.\d+/;
  return /before|later/;
}

async function run(line: string, position: string): Promise<void> {
  const [, channel = 'news'] = /\/channels\/([\w:-]+)/.exec(line) ?? [];
  const env = {
    ...process.env,
    CURL_HOME: home,
    HOME: home,
    PATH: `${home}:${process.env['PATH']}`,
    POSITION: position,
    PULSEBEACON_SERVER: `http://127.0.0.1:${port}`,
  };
  const shell = new Program({ after }, 'sh', ['-c', isEndless(line) ? `exec ${line}` : line], { env, cwd: inClone() });
  if (!isEndless(line)) {
    const { code, stdout, stderr } = await shell.exit;
    assert.equal(code, 0, stderr);
    assert.match(stdout, expected(line));
    return;
  }
  // Until it has printed something: nobody knows when it has begun to follow.
  const seen = shell.printed(expected(line));
  let isOver = false;
  const over = seen.finally(() => (isOver = true));
  while (!isOver) {
    await publish(channel, 'later');
    await Promise.race([over, new Promise((resolve) => setImmediate(resolve))]);
  }
  await over;
  await shell.stop();
}

// Before the first test: when none is left that is known of, what was started is ended.
const TEXTS = await Promise.all(PAGES.map(async (page) => ({ page, text: await readFile(inClone(page), 'utf8') })));

for (const { page, text } of TEXTS) {
  const blocks = Array.from(text.matchAll(/^```sh\n([^]*?)^```$/gm), ([, block]) => block!);
  const lines = blocks
    .flatMap((block) => block.split(/(?<!\\)\n/))
    .filter((line) => line !== '' && !line.startsWith('#'));
  describe(`${page}, word for word`, () => {
    assert.notEqual(lines.length, 0);
    for (const line of lines) {
      test(line, async () => {
        const position = await publish('news', 'before');
        await publish('news', 'before the line');
        await run(line, position);
      });
    }
  });
}

test('Ctrl-C, and everything is there again after the next start', async (t) => {
  const position = await publish('news', 'kept');
  const { code } = await program.stop('SIGINT');
  assert.equal(code, 0);
  const again = await serve();
  t.after(() => again.program.stop());
  const answer = await fetch(`http://127.0.0.1:${again.port}/channels/news?last`);
  assert.equal(await answer.text(), 'kept');
  assert.ok([...answer.headers.values()].some((value) => value.includes(position)));
});
