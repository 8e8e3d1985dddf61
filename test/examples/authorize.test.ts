import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, refusal } from '../support/client.ts';
import { Example } from '../support/example.ts';

test('authorize.mjs: a cookie, a bearer token, or a 401', async (t) => {
  const example = await Example.start(t, 'authorize.mjs', { API_TOKEN: 'correct-horse' });
  const url = example.socket('/me');

  for (const headers of [
    {},
    { Authorization: 'Bearer wrong' },
    { Authorization: 'Basic correct-horse' },
    { Cookie: 'session=guessed' },
    { Cookie: 'other=1' },
  ]) {
    const refused = await refusal(url, { headers });
    assert.equal(refused.status, 401);
    assert.match(
      refused.headers['www-authenticate']!,
      /^Bearer( error="invalid_token")?, Cookie cookie-name="session"/,
    );
    assert.equal(refused.headers['content-type'], 'application/problem+json');
    assert.equal(JSON.parse(refused.body).code, 'PB_HANDSHAKE_UNAUTHENTICATED');
  }

  const program = await Client.open(t, url, { headers: { Authorization: 'Bearer correct-horse' } });
  assert.equal(await program.next(), 'You are a program.');

  assert.equal((await example.get('/login')).status, 404);
  const login = await example.get('/login?name=Ada', { method: 'POST' });
  assert.equal(login.status, 204);
  const [cookie = ''] = login.headers.get('set-cookie')!.split(';');
  const person = await Client.open(t, url, { headers: { Cookie: `theme=dark; ${cookie}` }, origin: example.url });
  assert.equal(await person.next(), 'You are Ada.');

  // The cookie does not help a page of another site.
  const foreign = await refusal(url, { headers: { Cookie: cookie }, origin: 'https://evil.example' });
  assert.equal(foreign.status, 403);

  const exited = example.program.exit;
  example.program.child.kill('SIGTERM');
  for (const client of [program, person]) assert.equal((await client.closed).code, 1001);
  const { code, stderr } = await exited;
  assert.equal(code, 0);
  const lines = stderr.trimEnd().split('\n');
  assert.equal(lines.filter((line) => line.startsWith('refused 127.0.0.1 with 401: ')).length, 5);
  assert.match(lines[5] ?? '', /^refused 127\.0\.0\.1 with 403: Origin "https:\/\/evil\.example"/);
  assert.equal(lines.length, 6);
});
