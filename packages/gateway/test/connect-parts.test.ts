// pulsebeacon connect: the small parts that need neither a server nor a terminal.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { FrameTrace } from '@pulsebeacon/websocket';
import { completeUrl } from '#dist/connect/address.js';
import { escapeControls, escapeJson, escapeLine } from '#dist/connect/escape.js';
import { describeFrame } from '#dist/connect/frame-text.js';
import { hexDump, parseHex } from '#dist/connect/hex-dump.js';
import { History, historyFile } from '#dist/connect/history.js';
import { LineReader } from '#dist/connect/line-reader.js';
import { readWish } from '#dist/connect/slash-commands.js';
import { styleFor } from '#dist/connect/style.js';
import { folderFor } from './support/connect.ts';

describe('the URL', () => {
  for (const [typed, meant] of [
    ['ws://example.com/a', 'ws://example.com/a'],
    ['HTTPS://example.com', 'HTTPS://example.com'],
    ['ws+unix:/run/app.sock:/chat', 'ws+unix:/run/app.sock:/chat'],
    ['example.com', 'ws://example.com'],
    ['localhost:8080/echo?a=ws://b', 'ws://localhost:8080/echo?a=ws://b'],
    ['[::1]:8080/echo', 'ws://[::1]:8080/echo'],
    ['127.0.0.1:8080', 'ws://127.0.0.1:8080'],
    [':8080/echo', 'ws://localhost:8080/echo'],
    ['8080', 'ws://localhost:8080'],
    ['8080/echo', 'ws://localhost:8080/echo'],
    ['8080?a', 'ws://localhost:8080?a'],
    ['80800.example', 'ws://80800.example'],
  ] as const) {
    it(`may be typed as ${typed}`, () => assert.equal(completeUrl(typed, false), meant));
  }

  it('may be a path alone beside a Unix socket', () => {
    assert.equal(completeUrl('/chat', true), 'ws://localhost/chat');
    assert.throws(() => completeUrl('/chat', false), { name: 'Failure', exitCode: 2 });
  });
});

describe('what a terminal would obey', () => {
  it('is made visible, but for line feeds and tabulators', () => {
    assert.equal(
      escapeControls('a\u001b[2J\u0007\u009b1m\u007f\0b\r\n\tc\u202ed é 漢 😀'),
      'a\\x1b[2J\\x07\\x9b1m\\x7f\\x00b\\r\n\tc\\u202ed é 漢 😀',
    );
    assert.equal(escapeLine('a\n\tb\u001b'), 'a\\n\\tb\\x1b');
  });

  it('stays the same value in JSON', () => {
    const value = { text: 'a\u001b\u009b\u007f\u2066é' };
    const json = escapeJson(JSON.stringify(value));
    assert.equal(json, '{"text":"a\\u001b\\u009b\\u007f\\u2066é"}');
    assert.deepEqual(JSON.parse(json), value);
  });
});

describe('a dump', () => {
  it('comes in pieces of whole lines, as hexdump -C has them', () => {
    const bytes = new Uint8Array(16 * 1024 + 9).fill(0x41);
    const pieces = [...hexDump(bytes)];
    assert.equal(pieces.length, 2);
    const lines = pieces.join('').trimEnd().split('\n');
    assert.equal(lines.length, 1025);
    assert.equal(lines[1023], '00003ff0  41 41 41 41 41 41 41 41  41 41 41 41 41 41 41 41  |AAAAAAAAAAAAAAAA|');
    assert.equal(lines[1024], '00004000  41 41 41 41 41 41 41 41  41                       |AAAAAAAAA|');
  });

  it('of nothing is nothing, and one that ends with a piece ends there', () => {
    assert.deepEqual([...hexDump(new Uint8Array(0))], []);
    assert.equal([...hexDump(new Uint8Array(16 * 1024))].length, 1);
  });

  for (const [text, bytes] of [
    ['', []],
    ['00ff', [0, 255]],
    ['00 FF', [0, 255]],
    ['00:ff', [0, 255]],
    ['0x00, 0xff', [0, 255]],
    ['0', undefined],
    ['0g', undefined],
    ['0 0f0', [0, 240]],
  ] as const) {
    it(`is read from ${JSON.stringify(text)}`, () => {
      const read = parseHex(text);
      assert.deepEqual(read && [...read], bytes);
    });
  }
});

describe('lines', () => {
  const cut = (pieces: readonly string[]): string[] => {
    const reader = new LineReader();
    const lines = pieces.flatMap((piece) => [...reader.push(Buffer.from(piece))]);
    const last = reader.finish();
    return [...lines, ...(last === undefined ? [] : [last])].map((line) => Buffer.from(line).toString());
  };
  const text = 'one\r\n\ntwo é\r\r\n\rthree';

  it('end with a line feed, with or without a carriage return', () => {
    assert.deepEqual(cut([text]), ['one', '', 'two é\r', '\rthree']);
    assert.deepEqual(cut([]), []);
    assert.deepEqual(cut(['a\n']), ['a']);
    assert.deepEqual(cut(['a\n', '']), ['a']);
  });

  it('are the same wherever the input is cut', () => {
    assert.deepEqual(cut([...text]), cut([text]));
    for (let at = 1; at < text.length; at++) assert.deepEqual(cut([text.slice(0, at), text.slice(at)]), cut([text]));
  });
});

describe('a line at the prompt', () => {
  for (const [line, wish] of [
    ['hello', { what: 'send', text: 'hello' }],
    [' /ping', { what: 'send', text: ' /ping' }],
    ['//ping', { what: 'send', text: '/ping' }],
    ['', { what: 'nothing' }],
    ['/ping', { what: 'ping', text: '' }],
    ['/ping a b', { what: 'ping', text: 'a b' }],
    ['/close', { what: 'close', code: undefined, reason: '' }],
    ['/close 4000', { what: 'close', code: 4000, reason: '' }],
    ['/close 1000 so long', { what: 'close', code: 1000, reason: 'so long' }],
    ['/hex 00 ff', { what: 'hex', text: '00 ff' }],
    ['/binary a b', { what: 'binary', text: 'a b' }],
    ['/file /a b', { what: 'file', path: '/a b' }],
    ['/help', { what: 'help' }],
  ] as const) {
    it(`means ${wish.what}: ${JSON.stringify(line)}`, () => assert.deepEqual(readWish(line), wish));
  }

  for (const line of ['/', '/pin', '/close now', '/file', '/file ']) {
    it(`is a mistake: ${line}`, () => assert.equal(readWish(line).what, 'mistake'));
  }
});

describe('a frame in a line', () => {
  const described = (frame: Partial<FrameTrace>, payload: string | readonly number[] = ''): string => {
    const start = Buffer.from(payload as string);
    return describeFrame({
      type: 'frame',
      direction: 'in',
      fin: true,
      rsv1: false,
      opcode: 1,
      masked: false,
      length: start.length,
      start,
      ...frame,
    });
  };

  it('has its kind, its length and its payload', () => {
    assert.equal(described({}, 'x'), 'text, 1 byte: x');
    assert.equal(
      described({ masked: true, fin: false }, 'a\u001b\n'),
      'text, 3 bytes, to be continued, masked: a\\x1b\\n',
    );
    assert.equal(described({ opcode: 0 }, 'more'), 'continuation, 4 bytes: more');
    assert.equal(described({ opcode: 2 }, 'AB'), 'binary, 2 bytes: 41 42');
    assert.equal(described({ opcode: 9 }), 'ping, 0 bytes');
    assert.equal(described({ opcode: 10 }, [0xff]), 'pong, 1 byte: ff');
    assert.equal(described({ opcode: 5 }, 'x'), 'opcode 5, 1 byte: x');
    assert.equal(described({ rsv1: true }, [1, 2]), 'text, compressed, 2 bytes: 01 02');
  });

  it('has the code of a close frame', () => {
    assert.equal(described({ opcode: 8 }, [0x03, 0xe8, 0x61, 0x07]), 'close, 4 bytes: 1000 (normal) a\\x07');
    assert.equal(described({ opcode: 8 }, [0x0f, 0xa0]), 'close, 2 bytes: 4000');
    assert.equal(described({ opcode: 8 }, [0x03]), 'close, 1 byte: \\x03');
  });

  it('is cut where it is long, between two characters', () => {
    const start = Buffer.from('é'.repeat(64)).subarray(0, 127);
    assert.equal(described({ start, length: 200 }), `text, 200 bytes: ${'é'.repeat(63)}…`);
    const binary = new Uint8Array(128).fill(7);
    assert.equal(described({ opcode: 2, start: binary, length: 128 }), `binary, 128 bytes: ${'07 '.repeat(24)}…`);
    // Not UTF-8, however much of its end is left out.
    assert.equal(described({ start: Buffer.from([0xff, 0x61]), length: 3 }), 'text, 3 bytes: ff 61 …');
  });
});

describe('colours', () => {
  const terminal = { isTTY: true };
  const red = (stream: { isTTY?: boolean }, allowed: boolean, env: NodeJS.ProcessEnv): string =>
    styleFor(stream, allowed, env)('red', 'x');

  it('are for terminals that have not declined', () => {
    assert.equal(red(terminal, true, {}), '\u001b[31mx\u001b[39m');
    assert.equal(red(terminal, true, { NO_COLOR: '' }), '\u001b[31mx\u001b[39m');
    assert.equal(red(terminal, true, { NO_COLOR: '1' }), 'x');
    assert.equal(red(terminal, true, { TERM: 'dumb' }), 'x');
    assert.equal(red(terminal, false, {}), 'x');
    assert.equal(red({}, true, {}), 'x');
  });
});

describe('the history', () => {
  it('is kept in the folder for states', () => {
    const usual = path.join(homedir(), '.local', 'state', 'pulsebeacon', 'history');
    assert.equal(historyFile({ XDG_STATE_HOME: '/state' }), '/state/pulsebeacon/history');
    assert.equal(historyFile({ XDG_STATE_HOME: 'relative' }, 'linux'), usual);
    assert.equal(historyFile({ LOCALAPPDATA: '/local' }, 'linux'), usual);
    assert.equal(historyFile({ LOCALAPPDATA: '/local' }, 'win32'), '/local/pulsebeacon/history');
  });

  it('is there the next time, newest first, and for nobody else', (t) => {
    const file = path.join(folderFor(t), 'new', 'history');
    const history = new History(file);
    assert.deepEqual(history.load(), []);
    for (const line of ['one', '  ', '', 'two']) assert.equal(history.add(line), undefined);
    assert.deepEqual(new History(file).load(), ['two', 'one']);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(path.dirname(file)).mode & 0o777, 0o700);
  });

  it('does not grow for ever', (t) => {
    const file = path.join(folderFor(t), 'history');
    const lines = Array.from({ length: 2001 }, (_, i) => `line ${i}`);
    writeFileSync(file, lines.join('\n'));
    const loaded = new History(file).load();
    assert.equal(loaded.length, 1000);
    assert.equal(loaded[0], 'line 2000');
    assert.equal(readFileSync(file, 'utf8').split('\n').filter(Boolean).length, 1000);
  });

  it('says once where it cannot be kept', (t) => {
    const folder = folderFor(t);
    // A file stands where a folder should: that holds for root, too.
    writeFileSync(path.join(folder, 'file'), '');
    const history = new History(path.join(folder, 'file', 'history'));
    history.load();
    assert.match(history.add('one') ?? '', /ENOTDIR|EEXIST/);
    assert.equal(history.add('two'), undefined);
  });

  it('says once where it cannot be read', (t) => {
    const folder = folderFor(t);
    mkdirSync(path.join(folder, 'history'));
    const history = new History(path.join(folder, 'history'));
    assert.deepEqual(history.load(), []);
    assert.match(history.add('one') ?? '', /EISDIR/);
    assert.equal(history.add('two'), undefined);
  });
});
