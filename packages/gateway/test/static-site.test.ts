// --static: a folder as a site, and nothing but that folder.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ask } from './support/http.ts';
import { Program } from './support/program.ts';
import { Client } from './support/sockets.ts';

describe('serve --static', () => {
  let folder: string;
  let program: Program;
  let base: string;
  const text = '0123456789'.repeat(10);

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-static-'));
    const site = path.join(folder, 'site');
    await mkdir(path.join(site, 'docs'), { recursive: true });
    await mkdir(path.join(site, 'empty'));
    await mkdir(path.join(site, '.git'));
    await mkdir(path.join(site, '.well-known'));
    const files: Record<string, string> = {
      'secret.txt': 'outside',
      'site-secret/a.txt': 'a sibling whose name begins alike',
      'site/index.html': '<h1>site</h1>',
      'site/docs/index.html': '<h1>docs</h1>',
      'site/data.txt': text,
      'site/app.js': 'export {};',
      'site/module.wasm': 'x',
      'site/with space & ü.txt': 'named',
      'site/noextension': 'bytes',
      'site/.env': 'KEY=1',
      'site/.git/config': 'x',
      'site/docs/.hidden': 'x',
      'site/.well-known/security.txt': 'Contact: us',
      'site/.well-known/.secret': 'x',
      'site/echo': 'a file in the way of a socket',
      'site/live': 'another',
    };
    await mkdir(path.join(folder, 'site-secret'));
    for (const [name, content] of Object.entries(files)) await writeFile(path.join(folder, name), content);
    await utimes(path.join(site, 'data.txt'), new Date('2026-01-01'), new Date('2026-01-02T03:04:05Z'));
    await symlink(path.join(site, 'data.txt'), path.join(site, 'linked.txt'));
    program = await Program.start(['--static', site]);
    base = program.base;
  });
  after(async () => {
    await program?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('has the site at / and the page of the program at /-/', async () => {
    const root = await ask(`${base}/`);
    assert.equal(root.status, 200);
    assert.equal(root.text, '<h1>site</h1>');
    // The site's own pages may load what they like.
    assert.equal(root.headers['content-security-policy'], undefined);
    assert.equal(root.headers['x-content-type-options'], 'nosniff');
    assert.match((await ask(`${base}/-/`)).text, /^<!doctype html>/);
  });

  it('keeps its own paths', async () => {
    assert.equal((await ask(`${base}/echo`)).status, 426);
    assert.equal((await ask(`${base}/live`)).headers['content-type'], 'application/json');
    const client = await Client.open(`${program.socketBase}/echo`);
    client.socket.send('beside the files');
    assert.equal(await client.nextText(), 'beside the files');
    await client.close();
  });

  for (const [name, type] of [
    ['/', 'text/html; charset=utf-8'],
    ['/data.txt', 'text/plain; charset=utf-8'],
    ['/app.js', 'text/javascript; charset=utf-8'],
    ['/module.wasm', 'application/wasm'],
    ['/noextension', 'application/octet-stream'],
  ] as const) {
    it(`gives ${name} as ${type}`, async () => {
      const { status, headers } = await ask(`${base}${name}`);
      assert.equal(status, 200);
      assert.equal(headers['content-type'], type);
    });
  }

  it('decodes names', async () => {
    assert.equal((await ask(`${base}/with%20space%20%26%20%C3%BC.txt`)).text, 'named');
  });

  it('finds index.html in folders, at their slash', async () => {
    assert.equal((await ask(`${base}/docs/`)).text, '<h1>docs</h1>');
    const redirect = await ask(`${base}/docs`);
    assert.equal(redirect.status, 301);
    assert.equal(redirect.headers['location'], '/docs/');
    assert.equal((await ask(`${base}/empty/`)).status, 404);
  });

  it('never redirects to another host', async () => {
    const { status, headers } = await ask(base, { path: '//docs' });
    if (status === 301) assert.equal(headers['location'], '/docs/');
    else assert.equal(status, 404);
  });

  it('answers HEAD as GET, without the body', async () => {
    const { status, headers, body } = await ask(`${base}/data.txt`, { method: 'HEAD' });
    assert.equal(status, 200);
    assert.equal(headers['content-length'], '100');
    assert.equal(body.length, 0);
  });

  it('sends parts (RFC 9110 §14)', async () => {
    const range = (value: string): ReturnType<typeof ask> => ask(`${base}/data.txt`, { headers: { Range: value } });
    const first = await range('bytes=0-9');
    assert.equal(first.status, 206);
    assert.equal(first.headers['content-range'], 'bytes 0-9/100');
    assert.equal(first.text, '0123456789');
    assert.equal((await range('bytes=-5')).text, '56789');
    assert.equal((await range('bytes=95-')).text, '56789');
    const beyond = await range('bytes=100-');
    assert.equal(beyond.status, 416);
    assert.equal(beyond.headers['content-range'], 'bytes */100');
    assert.equal(beyond.json()['code'], 'PB_RANGE_NOT_SATISFIABLE');
    // Units that nobody knows are ignored.
    assert.equal((await range('lines=1-2')).status, 200);
  });

  it('tells those who have it already', async () => {
    const { headers } = await ask(`${base}/data.txt`);
    assert.equal(headers['last-modified'], 'Fri, 02 Jan 2026 03:04:05 GMT');
    const conditional = (name: string, value: string): ReturnType<typeof ask> =>
      ask(`${base}/data.txt`, { headers: { [name]: value } });
    assert.equal((await conditional('If-None-Match', headers['etag']!)).status, 304);
    assert.equal((await conditional('If-None-Match', '"other"')).status, 200);
    assert.equal((await conditional('If-Modified-Since', headers['last-modified']!)).status, 304);
    assert.equal((await conditional('If-Modified-Since', 'Fri, 02 Jan 2026 03:04:04 GMT')).status, 200);
    const failed = await conditional('If-Match', '"other"');
    assert.equal(failed.status, 412);
    assert.equal(failed.json()['code'], 'PB_PRECONDITION_FAILED');
  });

  it('says 405 to what is neither GET nor HEAD', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const { status, headers } = await ask(`${base}/data.txt`, { method });
      assert.equal(status, 405);
      assert.equal(headers['allow'], 'GET, HEAD');
    }
  });

  for (const name of [
    '/../secret.txt',
    '/docs/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/..%2fsecret.txt',
    '/docs/..%5c..%5csecret.txt',
    '/..\\secret.txt',
    '/%252e%252e/secret.txt',
    '/../site-secret/a.txt',
    '/....//secret.txt',
    '//etc/passwd',
    '/%2fetc%2fpasswd',
    '/.env',
    '/%2eenv',
    '/.git/config',
    '/.git/',
    '/docs/.hidden',
    '/docs/./.hidden',
    '/.well-known/.secret',
    '/docs/.well-known/x',
    '/nothing.txt',
    '/data.txt/',
    '/data.txt/more',
  ]) {
    it(`finds nothing at ${name}`, async () => {
      const { status, headers, text: body } = await ask(base, { path: name });
      assert.equal(status, 404);
      assert.equal(headers['content-type'], 'application/problem+json');
      assert.doesNotMatch(body, /outside|sibling|KEY|root:/);
    });
  }

  for (const name of ['/%', '/%ff', '/data.txt%00', '/%E0%A4%A']) {
    it(`says 400 to ${name}`, async () => {
      const { status, json } = await ask(base, { path: name });
      assert.equal(status, 400);
      assert.equal(json()['code'], 'PB_REQUEST_INVALID');
    });
  }

  it('has /.well-known (RFC 8615)', async () => {
    assert.equal((await ask(`${base}/.well-known/security.txt`)).text, 'Contact: us');
  });

  it('follows links that its owner has made', async () => {
    assert.equal((await ask(`${base}/linked.txt`)).text, text);
  });
});
