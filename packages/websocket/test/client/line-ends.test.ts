import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, type ConnectOptions } from '@pulsebeacon/websocket';
import { answerStream, http2Server, TRUST } from '../support/http2-server.ts';
import { answer, scriptedServer } from '../support/scripted-server.ts';

/** What must not get into a header (RFC 9110 §5.5), at its start, in it and at its end. */
const BAD = ['\r', '\n', '\0', '\r\nX-Injected: y'].flatMap((text) => [`a${text}`, `${text}a`, `a${text}a`]);

const challenges = ['Basic realm="a"', 'Digest realm="a", nonce="n", qop="auth"', 'Custom'];

/** Everything by which a caller gets something into a header, with a text that must not get there. */
const WAYS: [what: string, options: (bad: string) => ConnectOptions][] = [
  ['the value of a header', (bad) => ({ headers: { 'X-A': bad } })],
  ['one of several values', (bad) => ({ headers: { 'X-A': ['good', bad] } })],
  ['the name of a header', (bad) => ({ headers: { [`X-${bad}`]: 'a' } })],
  ['a cookie as a header', (bad) => ({ headers: { Cookie: `a=${bad}` } })],
  ['a subprotocol', (bad) => ({ subprotocols: ['good', bad] })],
  ['the origin', (bad) => ({ origin: `http://${bad}` })],
  ['a username', (bad) => ({ credentials: { username: bad, password: 'p' } })],
  ['a password', (bad) => ({ credentials: { username: 'u', password: bad } })],
  ['a username, sent at once', (bad) => ({ credentials: { username: bad, password: 'p', preemptive: true } })],
  ['credentials by a callback', (bad) => ({ credentials: () => ({ username: bad, password: bad }) })],
  ['a token', (bad) => ({ bearer: bad })],
  ['a token that is fetched', (bad) => ({ bearer: async () => bad })],
  ['a scheme of the application', (bad) => ({ authentication: { scheme: 'Custom', respond: () => bad } })],
  ['a cookie of a jar', (bad) => ({ cookieJar: { getCookieString: () => `a=${bad}`, setCookie: () => {} } })],
];

describe('CR, LF and NUL get into no request, whatever brings them (HARDENING 14)', () => {
  for (const [what, options] of WAYS) {
    test(`${what}, over HTTP/1.1`, async (t) => {
      const server = await scriptedServer(t, () =>
        answer(
          401,
          challenges.map((each) => `WWW-Authenticate: ${each}`),
        ),
      );
      for (const bad of BAD) {
        await assert.rejects(connect(server.url, options(bad)), isClear(bad), JSON.stringify(bad));
      }
      for (const { text } of server.requests) assert.doesNotMatch(text, /^X-Injected|\0|(?<!\r)\n|\r(?!\n)/m);
    });

    test(`${what}, over HTTP/2`, async (t) => {
      const server = await http2Server(t, ({ stream }) =>
        answerStream(stream, 401, { 'www-authenticate': challenges.join(', ') }),
      );
      for (const bad of BAD) {
        const attempt = connect(server.url, { ...options(bad), httpVersion: '2', tls: TRUST });
        await assert.rejects(attempt, isClear(bad), JSON.stringify(bad));
      }
      for (const { raw } of server.requests) assert.ok(!raw.some((each) => /[\r\n\0]|injected/i.test(each)));
    });
  }

  test('credentials for a proxy', async (t) => {
    const proxy = await scriptedServer(t, () => answer(407, ['Proxy-Authenticate: Basic realm="p"']));
    for (const bad of BAD) {
      const credentials = (): object => ({ username: bad, password: bad });
      const byCallback = { proxy: `http://127.0.0.1:${proxy.port}`, credentials: credentials as never };
      await assert.rejects(connect('ws://127.0.0.1:1/', byCallback), isClear(bad));
      const inUrl = { proxy: `http://${encodeURIComponent(bad)}:p@127.0.0.1:${proxy.port}` };
      await assert.rejects(connect('ws://127.0.0.1:1/', inUrl), isClear(bad));
    }
    for (const { text } of proxy.requests) assert.doesNotMatch(text, /X-Injected|\0/);
  });

  test('the URL: what is left of it is encoded', async (t) => {
    const server = await scriptedServer(t, () => answer(404));
    for (const path of ['/a\r\nX-Injected: y', '/a?b=\r\nX-Injected: y', '/a%0D%0AX-Injected:%20y', '/\0']) {
      await assert.rejects(connect(`${server.url}${path}`), isClear(''));
    }
    await assert.rejects(connect(server.url.replace('//', '//u%0D%0AX-Injected:p@')), isClear('\r\n'));
    for (const { text } of server.requests) assert.doesNotMatch(text, /^X-Injected|\0/m);
  });
});

/** An error with a code of ours, which shows no line end as it is. */
const isClear =
  (bad: string) =>
  (error: Error & { code?: string }): boolean => {
    assert.match(error.code ?? '', /^PB_/, error.stack);
    assert.ok(bad === '' || !error.message.includes(bad) || !/[\r\n\0]/.test(bad), JSON.stringify(error.message));
    return true;
  };
