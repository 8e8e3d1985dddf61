// requires: gorilla
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { gorilla } from '../support/gorilla.ts';
import { Site } from '../support/site.ts';

const site = await Site.start({ after });

/** gorilla offers no context takeover and nothing else. */
const AGREED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

describe("the client of Go's gorilla/websocket", () => {
  for (const [path, extensions] of Object.entries({ '/echo': '', '/deflate': AGREED, '/takeover': AGREED })) {
    test(`text and binary of every length form, many on their way at once, at ${path}`, async (t) => {
      const seen = await gorilla(t, 'messages', site.socket(path));
      assert.deepEqual(seen, { code: 1000, extensions });
    });

    test(`messages in fragments, with pings between them, at ${path}`, async (t) => {
      const seen = await gorilla(t, 'fragments', site.socket(path));
      assert.deepEqual(seen, { code: 1000, pongs: true });
    });
  }

  test('messages that come back in fragments', async (t) => {
    const { code } = await gorilla(t, 'messages', site.socket('/fragments'));
    assert.equal(code, 1000);
  });

  test('messages up to the limits, 1009 and 1008 above them', async (t) => {
    const seen = await gorilla(t, 'limits', site.socket('/echo'));
    assert.deepEqual(seen, { code: 1000, tooLarge: 1009, tooMany: 1008 });
  });

  test('two hundred connections at once, and none is left', async (t) => {
    await gorilla(t, 'many', site.socket('/deflate'));
    await site.empty();
  });

  for (const [path, status] of Object.entries({ '/private': 401, '/forbidden': 403, '/full': 503, '/nowhere': 404 })) {
    test(`a handshake that is refused with ${status}`, async (t) => {
      const seen = await gorilla(t, 'refused', site.socket(path));
      assert.deepEqual(seen, { status, type: 'application/problem+json' });
    });
  }
});

describe("closing handshakes with Go's gorilla/websocket", () => {
  test('begun by the client: the server hears the code and echoes it', async (t) => {
    const { codes } = await gorilla(t, 'closing', site.socket('/commands'));
    assert.deepEqual(codes, [1000, 1001, 1008, 3000, 4999]);
    const endings = await Promise.all((codes as number[]).map(() => site.ended('/commands')));
    assert.deepEqual(
      endings.sort((a, b) => a.code - b.code),
      (codes as number[]).map((code) => ({ code, reason: 'because', wasClean: true })),
    );
  });

  test('begun by the server: the client hears the code, or nothing at all', async (t) => {
    const { codes } = await gorilla(t, 'closed', site.socket('/commands'));
    // A close frame without code would show as 1005; close() without arguments sends 1000.
    assert.deepEqual(codes, [1000, 1001, 1012, 4001, 1006]);
    const endings = await Promise.all((codes as number[]).map(() => site.ended('/commands')));
    assert.deepEqual(endings.map(({ code, wasClean }) => [code, wasClean]).sort(), [
      [1000, true],
      [1001, true],
      [1006, false],
      [1012, true],
      [4001, true],
    ]);
  });
});
