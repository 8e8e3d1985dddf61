// The parts of publish and subscribe by themselves.
import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import type { PublicationMessage } from '@pulsebeacon/wire';
import { completeServer } from '#dist/connect/address.js';
import { Screen } from '#dist/connect/screen.js';
import { eachLine } from '#dist/publish/lines.js';
import { failureOfAnswer, failureOfError, RemoteFailure } from '#dist/remote/remote-failure.js';
import { Retries } from '#dist/remote/retries.js';
import { jsonParts } from '#dist/subscribe/json-parts.js';
import { PublicationWriter } from '#dist/subscribe/publication-writer.js';

describe('the parts of a JSON text', () => {
  it('are its members and items, as they stand in it', () => {
    const text = '{"a": 1.0 ,"b" : {"c":[1,{"d":"}],\\"{"}]}, "data":"x\\\\","é\\n":[], "e":{} }';
    assert.deepEqual(Object.fromEntries(jsonParts(text)), {
      a: '1.0',
      b: '{"c":[1,{"d":"}],\\"{"}]}',
      data: '"x\\\\"',
      'é\n': '[]',
      e: '{}',
    });
    assert.deepEqual([...jsonParts('[1, "a,b" ,{"c":[2]},[]]').values()], ['1', '"a,b"', '{"c":[2]}', '[]']);
    assert.equal(jsonParts('[]').size + jsonParts('{}').size, 0);
  });

  it('are found in time that grows with the text', () => {
    const long = `{"data":"${'\\"'.repeat(2_000_000)}","more":${'[1,'.repeat(10)}1${']'.repeat(10)}}`;
    assert.equal(jsonParts(long).get('data')!.length, 4_000_002);
  });
});

describe('the address of a server', () => {
  for (const [text, url] of [
    [':8080', 'http://localhost:8080/'],
    ['8080', 'http://localhost:8080/'],
    ['example.com', 'http://example.com/'],
    ['https://example.com/live', 'https://example.com/live/'],
    ['wss://example.com', 'https://example.com/'],
    ['HTTP://[::1]:1/', 'http://[::1]:1/'],
  ] as const) {
    it(`${text} is ${url}`, () => assert.equal(completeServer(text).href, url));
  }

  for (const text of [
    '/path',
    'ftp://example.com',
    'http://',
    'http://me:secret@example.com',
    'http://a/?b',
    'ws+unix:/x',
  ]) {
    it(`${text} is none`, () => assert.throws(() => completeServer(text), { exitCode: 2 }));
  }
});

describe('what is tried again', () => {
  const url = new URL('http://example.com/channels/news');
  const answer = (status: number, fields: Readonly<Record<string, string>> = {}, body = ''): RemoteFailure =>
    failureOfAnswer({ url, status, title: '', header: (name) => fields[name], body });

  it('statuses that pass, and no others', () => {
    for (const status of [408, 425, 429, 500, 502, 503, 504]) assert.equal(answer(status).retry, true, String(status));
    for (const status of [200, 301, 400, 401, 403, 404, 405, 413, 415, 421]) assert.equal(answer(status).retry, false);
  });

  it('connections that fail, but for names and certificates that will not be other ones', () => {
    const failure = (code: string): RemoteFailure => failureOfError(url, Object.assign(new Error('why'), { code }));
    for (const code of ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN'])
      assert.ok(failure(code).retry);
    for (const code of [
      'ENOTFOUND',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'HPE_INVALID_CONSTANT',
    ]) {
      assert.equal(failure(code).retry, false, code);
    }
  });

  it('a problem document says it; one that is none is left out', () => {
    const type = { 'content-type': 'application/problem+json' };
    const problem = answer(403, type, '{"detail":"not you","code":"PB_FORBIDDEN"}');
    assert.equal(problem.message, 'not you (403, PB_FORBIDDEN)');
    assert.match(answer(403, type, '{').message, /answered 403/);
    assert.match(answer(403, type, 'null').message, /answered 403/);
  });

  it('after as long as the server asks, and not beyond the time there is', () => {
    const failing = (retryAfter?: number): RemoteFailure =>
      new RemoteFailure('', { exitCode: 1, retry: true, retryAfter });
    const retries = new Retries(Infinity, () => 0.5);
    assert.equal(retries.next(failing(1400)), 1650);
    const jittered = Array.from({ length: 9 }, () => retries.next(failing())!);
    assert.deepEqual(jittered, [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000]);
    assert.equal(new Retries(1000, () => 0.5).next(failing(2000)), undefined);
    assert.equal(new Retries(0).next(failing()), undefined);
    assert.equal(new Retries(Infinity).next(new RemoteFailure('', { exitCode: 1, retry: false })), undefined);
  });
});

describe('lines under way', () => {
  it('are so many at most, and none is begun behind one that fails', async () => {
    let most = 0;
    let now = 0;
    const begun: number[] = [];
    const input = Readable.from([Buffer.from('a\nb\nc\n'), Buffer.from('d\ne\nf')]);
    const run = eachLine(input as AsyncIterable<Uint8Array>, 2, async (line, number) => {
      begun.push(number);
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now--;
      if (String(line) === 'c') throw new Error('no c');
    });
    await assert.rejects(run, /no c/);
    assert.equal(most, 2);
    assert.ok(begun.length < 6 && begun.includes(3));
  });
});

describe('on a terminal', () => {
  const publication = (data: unknown, more: Partial<PublicationMessage> = {}): PublicationMessage => ({
    type: 'publication',
    channel: 'news',
    position: 'e.1',
    time: 0,
    contentType: 'text/plain',
    data,
    ...more,
  });

  function written(message: PublicationMessage, json = false): string {
    const stdout = Object.assign(new PassThrough(), { isTTY: true });
    const screen = new Screen(stdout, new PassThrough());
    const style = (_: unknown, text: string): string => text;
    new PublicationWriter(screen, { json, timestamps: false, style }).write(message, JSON.stringify(message));
    // Newer Nodes give what was written piece by piece.
    let text = '';
    for (let piece: unknown = stdout.read(); piece !== null; piece = stdout.read()) text += String(piece);
    return text;
  }

  it('nothing that is published acts on it, or looks like another publication', () => {
    assert.equal(written(publication('\u001b[2J')), '\\x1b[2J\n');
    assert.equal(written(publication('one\ntwo')), 'one\n  two\n');
    assert.equal(written(publication({ a: '\u009b' }, { contentType: 'application/json' })), '{"a":"\\x9b"}\n');
    assert.ok(!written(publication('\u202e'), true).includes('\u202e'));
  });

  it('bytes are shown as a dump, and not all of them', () => {
    const data = Buffer.alloc(5000, 0xab).toString('base64');
    const shown = written(publication(data, { encoding: 'base64', contentType: 'image/png' }));
    assert.match(shown, /^binary, 5,000 bytes\n/);
    assert.match(shown, /ab ab ab/);
    assert.match(shown, /… 904 bytes more; in a pipe it is base64, and whole\n$/);
  });
});
