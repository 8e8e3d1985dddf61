// pulsebeacon connect in a terminal: typing, and what comes in between.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import type { ServerConnection, ServerOptions } from '@pulsebeacon/websocket';
import { History } from '#dist/connect/history.js';
import { JsonReporter } from '#dist/connect/json-reporter.js';
import { readUser } from '#dist/connect/password.js';
import { Screen } from '#dist/connect/screen.js';
import { Session } from '#dist/connect/session.js';
import type { ConnectSettings } from '#dist/connect/settings.js';
import { styleFor } from '#dist/connect/style.js';
import { TextReporter } from '#dist/connect/text-reporter.js';
import { openPrompt } from '#dist/connect/typing.js';
import { accepted, closing, ECHO, events, folderFor, serve, serveRaw } from './support/connect.ts';
import { KEYS, TerminalKeyboard, TerminalScreen } from './support/terminal.ts';

interface Chat {
  readonly screen: TerminalScreen;
  readonly keys: TerminalKeyboard;
  readonly ended: Promise<number>;
}

interface ChatOptions {
  readonly settings?: Partial<ConnectSettings>;
  readonly columns?: number;
  readonly history?: History;
  readonly timestamps?: boolean;
  readonly color?: boolean;
}

/** The program at a terminal, connected. */
async function chatWith(where: string, options: ChatOptions = {}): Promise<Chat> {
  const { columns, history, timestamps = false, color = false } = options;
  const terminal = new TerminalScreen(columns);
  const keys = new TerminalKeyboard();
  const stdin = keys as unknown as NodeJS.ReadStream;
  const screen = new Screen(terminal, terminal);
  const style = styleFor(terminal, color, {});
  const settings: ConnectSettings = {
    url: `ws://${where}/`,
    opening: {},
    encoding: 'text',
    messages: [],
    source: 'prompt',
    wait: 2000,
    count: Infinity,
    output: undefined,
    json: false,
    timestamps,
    verbose: false,
    color,
    history: history !== undefined,
    ...options.settings,
  };
  const reporter = settings.json
    ? new JsonReporter(screen, undefined)
    : new TextReporter(screen, { out: style, err: style, timestamps, isChatty: true }, undefined);
  const session = new Session({
    settings,
    screen,
    reporter,
    stdin,
    output: undefined,
    openPrompt: (opened) => openPrompt({ settings, screen, stdin, history, style }, opened),
  });
  const ended = session.run();
  if (!color) await terminal.until((lines) => lines.at(-1) === '>');
  return { screen: terminal, keys, ended };
}

/** The same, with the other end of the connection. */
async function chat(
  t: TestContext,
  server: ServerOptions = ECHO,
  options: ChatOptions = {},
): Promise<Chat & { readonly peer: ServerConnection<unknown> }> {
  let opened!: (connection: ServerConnection<unknown>) => void;
  const peer = new Promise<ServerConnection<unknown>>((resolve) => (opened = resolve));
  const where = await serve(t, { open: (connection) => opened(connection), ...server });
  const running = await chatWith(where, options);
  return { ...running, peer: await peer };
}

/** What is on the screen behind the two lines at the start. */
const talk = (lines: readonly string[]): readonly string[] => lines.slice(2);

describe('at the prompt', () => {
  it('a line is a message, and what comes is marked', async (t) => {
    const { screen, keys, ended } = await chat(t);
    assert.match(screen.lines[0]!, /^connected to ws:\/\/127\.0\.0\.1:\d+\/$/);
    assert.equal(screen.lines[1], '/help lists the commands; Ctrl-C or Ctrl-D closes');
    keys.type('hello', KEYS.enter);
    await screen.has('< hello');
    keys.type('//slash', KEYS.enter);
    await screen.has('< /slash');
    // An empty line is nothing.
    keys.type(KEYS.enter, 'last', KEYS.enter);
    await screen.has('< last');
    assert.deepEqual(talk(screen.lines), ['> hello', '< hello', '> //slash', '< /slash', '>', '> last', '< last', '>']);
    keys.type(KEYS.ctrlD);
    assert.equal(await ended, 0);
    assert.equal(screen.lines.at(-2), 'closed: 1000 (normal)');
    assert.equal(keys.isRaw, false);
  });

  it('a message that comes in does not destroy the line being typed', async (t) => {
    const { screen, keys, peer, ended } = await chat(t);
    keys.type('half', KEYS.left, KEYS.left);
    await screen.until((lines) => lines.at(-1) === '> half');
    peer.send('incoming');
    await screen.until((lines) => lines.at(-1) === '> half' && lines.includes('< incoming'));
    assert.deepEqual(talk(screen.lines), ['< incoming', '> half']);
    assert.deepEqual(screen.cursor, { row: 3, column: 4 });
    keys.type('X', KEYS.enter);
    await screen.has('< haXlf');
    keys.type(KEYS.ctrlC);
    assert.equal(await ended, 0);
  });

  for (const [how, keysFor] of [
    ['typed', (line: string) => [...line]],
    ['pasted', (line: string) => [line]],
  ] as const) {
    it(`neither does it where the line takes several rows, ${how}`, async (t) => {
      const { screen, keys, peer, ended } = await chat(t, ECHO, { columns: 20 });
      const line = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ';
      const rows = ['> abcdefghijklmnopqr', 'stuvwxyz0123456789AB', 'CDEFGHIJ'];
      keys.type(...keysFor(line));
      await screen.until((lines) => lines.at(-1) === 'CDEFGHIJ');
      const before = screen.lines.slice(0, -3);
      peer.send('one');
      await screen.until((lines) => lines.includes('< one') && lines.at(-1) === 'CDEFGHIJ');
      assert.deepEqual(screen.lines, [...before, '< one', ...rows]);
      keys.type(...Array<string>(20).fill(KEYS.left));
      peer.send('two');
      await screen.until((lines) => lines.includes('< two') && lines.at(-1) === 'CDEFGHIJ');
      assert.deepEqual(screen.lines, [...before, '< one', '< two', ...rows]);
      keys.type(KEYS.ctrlU);
      peer.send('three');
      await screen.has('< three');
      keys.type(KEYS.ctrlC);
      assert.equal(await ended, 0);
    });
  }

  it('what would act on the terminal is shown, and further lines stand below the first', async (t) => {
    const { screen, keys, peer, ended } = await chat(t);
    peer.send('\u001b[2J\u0007\nclosed: 1000\n> fake');
    await screen.has('  > fake');
    assert.deepEqual(talk(screen.lines), ['< \\x1b[2J\\x07', '  closed: 1000', '  > fake', '>']);
    peer.close(4000, '\u001b[2J');
    assert.equal(await ended, 6);
    assert.equal(screen.lines.at(-2), 'closed by the server: 4000 \\x1b[2J');
    assert.equal(keys.isRaw, false);
  });

  it('a large binary message is cut', async (t) => {
    const { screen, keys, peer, ended } = await chat(t);
    peer.send(new Uint8Array(5096));
    await screen.has('… 1,000 bytes more; --output FILE keeps them');
    assert.equal(talk(screen.lines)[0], '< binary, 5,096 bytes');
    assert.equal(screen.lines.filter((line) => line.startsWith('0000')).length, 256);
    keys.type(KEYS.ctrlC);
    assert.equal(await ended, 0);
  });

  it('messages have the time of day where that is asked for', async (t) => {
    const { screen, keys, ended } = await chat(t, ECHO, { timestamps: true });
    keys.type('hello', KEYS.enter);
    await screen.until((lines) => lines.some((line) => /^\d\d:\d\d:\d\d\.\d{3} < hello$/.test(line)));
    keys.type(KEYS.ctrlC);
    assert.equal(await ended, 0);
  });

  it('JSON does not act on the terminal either', async (t) => {
    const { screen, keys, peer, ended } = await chat(t, ECHO, { settings: { json: true }, columns: 500 });
    peer.send('\u009b2J');
    await screen.until((lines) => lines.some((line) => line.includes('\\u009b2J')));
    keys.type(KEYS.ctrlC);
    assert.equal(await ended, 0);
    const json = screen.lines.filter((line) => line.startsWith('{'));
    assert.equal(events(json.join('\n')).at(1)!['data'], '\u009b2J');
  });

  it('has colours where the terminal may have them', async (t) => {
    const where = await serve(t, ECHO);
    const { screen, keys, ended } = await chatWith(where, { color: true });
    await screen.until((lines) => lines.at(-1) === '>');
    keys.type('hello', KEYS.enter);
    await screen.has('< hello');
    assert.ok(screen.raw.includes('\u001b[36m<\u001b[39m hello'));
    assert.ok(screen.raw.includes('\u001b[32m>\u001b[39m '));
    keys.type(KEYS.ctrlC);
    assert.equal(await ended, 0);
  });

  it('messages of the command line are sent first', async (t) => {
    const messages = [{ data: 'first', kind: 'text' }] as const;
    const { screen, keys, ended } = await chat(t, ECHO, { settings: { messages, wait: Infinity } });
    await screen.has('< first');
    keys.type('second', KEYS.enter);
    await screen.has('< second');
    keys.type(KEYS.ctrlC);
    assert.equal(await ended, 0);
  });

  it('--hex holds for what is typed', async (t) => {
    const { screen, keys, ended } = await chat(t, ECHO, { settings: { encoding: 'hex' } });
    keys.type('xyz', KEYS.enter);
    await screen.has('"xyz" is not hexadecimal: pairs of digits, such as 00 ff');
    keys.type('41', KEYS.enter);
    await screen.has('< binary, 1 byte');
    keys.type(KEYS.ctrlC);
    assert.equal(await ended, 0);
  });
});

describe('commands', () => {
  it('/ping tells how long the answer took', async (t) => {
    const { screen, keys, ended } = await chat(t, { pong() {} });
    keys.type('/ping', KEYS.enter);
    await screen.until((lines) => lines.some((line) => /^pong after \d+\.\d ms$/.test(line)));
    keys.type('/ping are you there', KEYS.enter);
    await screen.until((lines) => lines.some((line) => /^pong are you there after \d+\.\d ms$/.test(line)));
    keys.type(`/ping ${'x'.repeat(126)}`, KEYS.enter);
    await screen.until((lines) => lines.join('').includes('a ping carries at most 125 bytes'));
    keys.type(KEYS.ctrlC);
    assert.equal(await ended, 0);
  });

  it('/close takes a code and a reason, and says what cannot be', async (t) => {
    const { close, closed } = closing();
    const { screen, keys, ended } = await chat(t, { close });
    keys.type('/close 1005', KEYS.enter);
    await screen.until((lines) => lines.join('').includes('cannot close with code the number 1005'));
    keys.type('/close 4001 so long', KEYS.enter);
    assert.equal(await ended, 0);
    assert.deepEqual(await closed, [4001, 'so long', true]);
  });

  it('/hex, /binary and /file send binary messages', async (t) => {
    const received: unknown[] = [];
    const { screen, keys, ended } = await chat(t, {
      message(connection, data, kind) {
        received.push([kind, Buffer.from(data as Uint8Array).toString('latin1')]);
        connection.send(String(received.length));
      },
    });
    const file = path.join(folderFor(t), 'a file');
    writeFileSync(file, 'content');
    keys.type('/hex 41 42', KEYS.enter, '/binary two words', KEYS.enter, `/file ${file}`, KEYS.enter);
    await screen.has('< 3');
    keys.type('/file /no/such/file', KEYS.enter);
    await screen.until((lines) => lines.some((line) => line.startsWith('cannot read /no/such/file: ENOENT')));
    keys.type(KEYS.ctrlC);
    assert.equal(await ended, 0);
    assert.deepEqual(received, [
      ['binary', 'AB'],
      ['binary', 'two words'],
      ['binary', 'content'],
    ]);
  });

  it('/help lists them; what is none is not sent', async (t) => {
    const { screen, keys, ended } = await chat(t);
    keys.type('/help', KEYS.enter, '/helo', KEYS.enter);
    await screen.has('there is no /helo: /help lists what there is; //helo sends it');
    for (const name of ['/ping', '/close', '/binary', '/hex', '/file', '//text', '/help']) {
      assert.ok(
        screen.lines.some((line) => line.startsWith(`${name} `)),
        name,
      );
    }
    keys.type(KEYS.ctrlC);
    assert.equal(await ended, 0);
  });
});

describe('the end', () => {
  it('a second Ctrl-C cuts off what takes its time; nothing is sent any more', async (t) => {
    let peer!: NodeJS.EventEmitter;
    const where = await serveRaw(t, (socket, head) => {
      peer = socket;
      socket.write(accepted(head));
    });
    const { screen, keys, ended } = await chatWith(where);
    const closeFrame = once(peer, 'data');
    keys.type(KEYS.ctrlC);
    await closeFrame;
    await screen.has('closing; Ctrl-C again cuts the connection off');
    keys.type('late', KEYS.enter);
    await screen.has('the connection is closing: nothing is sent any more');
    keys.type(KEYS.ctrlC);
    assert.equal(await ended, 130);
    assert.equal(screen.lines.at(-2), 'closed: 1006 (no closing handshake)');
  });

  it('the line being typed is gone when the server closes', async (t) => {
    const { screen, keys, peer, ended } = await chat(t);
    keys.type('half a line');
    await screen.until((lines) => lines.at(-1) === '> half a line');
    peer.close(1000);
    assert.equal(await ended, 0);
    assert.deepEqual(talk(screen.lines), ['closed by the server: 1000 (normal)', '']);
  });
});

describe('the history', () => {
  it('is there with the arrow keys, and the next time', async (t) => {
    const file = path.join(folderFor(t), 'history');
    writeFileSync(file, 'earlier\n');
    const first = await chat(t, ECHO, { history: new History(file) });
    first.keys.type('now', KEYS.enter);
    await first.screen.has('< now');
    first.keys.type(KEYS.up, KEYS.up, KEYS.enter);
    await first.screen.has('< earlier');
    first.keys.type(KEYS.ctrlC);
    await first.ended;
    assert.equal(readFileSync(file, 'utf8'), 'earlier\nnow\nearlier\n');
    const second = await chat(t, ECHO, { history: new History(file) });
    second.keys.type(KEYS.up, KEYS.enter);
    await second.screen.has('< earlier');
    second.keys.type(KEYS.ctrlC);
    await second.ended;
  });

  it('says once that it cannot be kept', async (t) => {
    const file = path.join(folderFor(t), 'file');
    writeFileSync(file, '');
    const { screen, keys, ended } = await chat(t, ECHO, {
      history: new History(path.join(file, 'history')),
      columns: 400,
    });
    keys.type('one', KEYS.enter, 'two', KEYS.enter);
    await screen.has('< two');
    assert.equal(screen.lines.filter((line) => line.startsWith('what you type is not kept: ')).length, 1);
    keys.type(KEYS.ctrlC);
    await ended;
  });
});

describe('a password', () => {
  const ask = (input: TerminalKeyboard, output: TerminalScreen): ReturnType<typeof readUser> =>
    readUser('me', {}, { input, output });

  it('is asked for, and not shown', async () => {
    const [keys, screen] = [new TerminalKeyboard(), new TerminalScreen()];
    const value = ask(keys, screen);
    keys.type('sekret', KEYS.left, 'c', KEYS.enter);
    assert.deepEqual(await value, { username: 'me', password: 'sekrect' });
    assert.equal(screen.raw, 'Password for me: \n');
    assert.equal(keys.isRaw, false);
  });

  for (const key of [KEYS.ctrlC, KEYS.ctrlD]) {
    it(`is not given: ${JSON.stringify(key)}`, async () => {
      const [keys, screen] = [new TerminalKeyboard(), new TerminalScreen()];
      const value = ask(keys, screen);
      keys.type(key);
      await assert.rejects(value, { name: 'Failure', exitCode: 130 });
    });
  }

  it('cannot be asked for where no terminal is', async () => {
    const value = readUser('me', {}, { input: new PassThrough(), output: new TerminalScreen() });
    await assert.rejects(value, { name: 'Failure', exitCode: 2 });
  });
});
