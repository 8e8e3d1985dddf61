// requires: python-websockets
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { python } from '../support/python.ts';
import { Site } from '../support/site.ts';

const site = await Site.start({ after });

describe("the client of Python's websockets", { concurrency: 2 }, () => {
  test('text and binary of every length form, many on their way at once', async (t) => {
    const { code } = await python(t, 'messages', site.socket('/echo'));
    assert.equal(code, 1000);
  });

  for (const path of ['/echo', '/deflate', '/takeover']) {
    test(`messages in fragments, with pings between them, at ${path}`, async (t) => {
      const { code } = await python(t, 'fragments', site.socket(path));
      assert.equal(code, 1000);
    });
  }

  test('messages that come back in fragments', async (t) => {
    const { code } = await python(t, 'messages', site.socket('/fragments'));
    assert.equal(code, 1000);
  });

  test('pings both ways', async (t) => {
    const { code } = await python(t, 'pings', site.socket('/commands'));
    assert.equal(code, 1000);
  });

  test('messages up to the limit, and 1009 above it', async (t) => {
    const { codes } = await python(t, 'limits', site.socket('/echo'));
    assert.deepEqual(codes, [1009, 1009, 1009]);
  });

  test('subprotocols: the first of its list that the server speaks', async (t) => {
    const { agreed } = await python(t, 'subprotocols', site.socket('/echo'));
    assert.deepEqual(agreed, ['v1.echo', 'v1.echo', null]);
  });

  for (const [path, status] of Object.entries({ '/private': 401, '/forbidden': 403, '/full': 503, '/nowhere': 404 })) {
    test(`a handshake that is refused with ${status}`, async (t) => {
      const seen = await python(t, 'refused', site.socket(path));
      assert.equal(seen['status'], status);
    });
  }

  test('a hundred connections at once', async (t) => {
    await python(t, 'many', site.socket('/echo'));
  });

  test('its pure protocol over a blocking socket', async (t) => {
    const { answer } = await python(t, 'blocking', site.socket('/echo'));
    assert.equal(answer, 3333);
  });
});

describe("closing handshakes with Python's websockets", () => {
  test('begun by the client: the server hears the code and echoes it', async (t) => {
    const site = await Site.start(t);
    const { seen } = await python(t, 'closing', site.socket('/commands'));
    const codes = [1000, 1001, 1011, 3000, 4999];
    assert.deepEqual(
      (seen as [number, string][]).map(([code]) => code),
      codes,
    );
    const endings = await Promise.all(codes.map(() => site.ended('/commands')));
    const reasons = ['', 'going', 'unexpected', 'r'.repeat(123), 'grüß dich'];
    assert.deepEqual(
      endings.sort((a, b) => a.code - b.code),
      codes.map((code, i) => ({ code, reason: reasons[i]!, wasClean: true })),
    );
  });

  test('begun by the server: the client hears the code, or nothing at all', async (t) => {
    const site = await Site.start(t);
    const { seen } = await python(t, 'closed', site.socket('/commands'));
    assert.deepEqual(seen, [[1000, ''], [1001, 'going'], [1012, 'restart'], [4001, 'grüß dich'], null]);
    const endings = await Promise.all(Array.from({ length: 5 }, () => site.ended('/commands')));
    assert.deepEqual(endings.map(({ code, wasClean }) => [code, wasClean]).sort(), [
      [1000, true],
      [1001, true],
      [1006, false],
      [1012, true],
      [4001, true],
    ]);
  });
});
