import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  authenticate,
  basic,
  bearer,
  digest,
  Refusal,
  type RefusedEvent,
  type ServerOptions,
  signCookie,
  signedCookie,
} from '@pulsebeacon/websocket';
import { handshake } from '../support/raw-client.ts';
import { serve } from '../support/servers.ts';

const BAD = ['\r', '\n', '\0', '\r\nX-Injected: y'].flatMap((text) => [`a${text}`, `${text}a`, `a${text}a`]);

/** What `authorize` may say, with a text that must not get into the answer. */
const WAYS: [what: string, authorize: (bad: string) => ReturnType<NonNullable<ServerOptions['authorize']>>][] = [
  ['a header of the acceptance', (bad) => ({ headers: { 'X-A': bad } })],
  ['one of several values', (bad) => ({ headers: { 'Set-Cookie': ['good=1', bad] } })],
  ['the name of a header', (bad) => ({ headers: { [`X-${bad}`]: 'a' } })],
  ['the subprotocol', (bad) => ({ subprotocol: bad })],
  ['a header of the refusal', (bad) => new Refusal(403, { headers: { 'X-A': bad } })],
  ['a challenge', (bad) => new Refusal(401, { headers: { 'WWW-Authenticate': `Bearer realm="${bad}"` } })],
  ['where a redirect leads', (bad) => new Refusal(307, { headers: { Location: `/${bad}` } })],
];

describe('CR, LF and NUL get into no answer, whatever the application says (HARDENING 14)', () => {
  for (const [what, authorize] of WAYS) {
    test(what, async (t) => {
      let bad = '';
      const events: RefusedEvent[] = [];
      const served = await serve(t, {
        authorize: () => authorize(bad),
        refused: (event) => events.push(event),
        open: () => assert.fail(),
      });
      for (bad of BAD) {
        const client = await served.connect();
        client.write(handshake());
        const { status, headers, body } = await client.readResponse();
        assert.deepEqual([status, headers.get('x-injected')], [500, undefined], JSON.stringify(bad));
        assert.doesNotMatch(body, /Injected/);
      }
      const session = await served.http2();
      for (bad of BAD) {
        const answer = await session.refused();
        assert.equal(answer.status, 500, JSON.stringify(bad));
      }
      assert.equal(events.length, 2 * BAD.length);
      assert.ok(events.every(({ code }) => code === 'PB_HANDSHAKE_AUTHORIZE_FAILED'));
    });
  }

  for (const bad of BAD) {
    test(`the options of the helpers: ${JSON.stringify(bad)}`, () => {
      for (const make of [
        () => authenticate(basic({ realm: bad, verify: () => undefined })),
        () => authenticate(bearer({ realm: bad, verify: () => undefined })),
        () => authenticate(digest({ realm: bad, account: () => undefined })),
        () => authenticate(signedCookie({ name: bad, secret: 'x', verify: () => undefined })),
        () => authenticate(signedCookie({ name: 'a', secret: 'x', realm: bad, verify: () => undefined })),
        () => authenticate(signedCookie({ name: 'a', secret: 'x', signInPage: bad, verify: () => undefined })),
      ]) {
        assert.throws(make, { code: 'PB_OPTION_INVALID' });
      }
      assert.doesNotMatch(signCookie(bad, 'x'), /[\r\n\0]/);
    });
  }
});
