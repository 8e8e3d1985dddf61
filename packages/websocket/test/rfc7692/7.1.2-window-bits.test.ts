import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accept, answerTo, INVALID_WINDOW_BITS, offerOf } from '../support/negotiate.ts';
import { meetAndFail } from '../support/server-end.ts';

const TAKEOVER = { takeover: true };
const BITS = [8, 9, 10, 11, 12, 13, 14, 15];

test('§7.1.2.1: a server accepts server_max_window_bits with the same or a smaller value', () => {
  for (const bits of BITS) {
    for (const own of BITS) {
      const offer = `permessage-deflate; server_max_window_bits=${bits}`;
      const { answer, parameters } = answerTo(offer, { ...TAKEOVER, serverMaxWindowBits: own })!;
      assert.equal(answer, `permessage-deflate; server_max_window_bits=${Math.min(bits, own)}`);
      assert.equal(parameters.serverMaxWindowBits, Math.min(bits, own));
    }
  }
});

test('§7.1.2.1: the value may be quoted (RFC 6455 §9.1)', () => {
  const { parameters } = answerTo('permessage-deflate; server_max_window_bits="10"')!;
  assert.equal(parameters.serverMaxWindowBits, 10);
});

test('§7.1.2.1: the value MUST be there, from 8 to 15 and without leading zeroes', () => {
  for (const value of INVALID_WINDOW_BITS) {
    assert.equal(answerTo(`permessage-deflate; server_max_window_bits=${value}`), undefined, value);
  }
  assert.equal(answerTo('permessage-deflate; server_max_window_bits'), undefined);
  assert.match(accept('permessage-deflate; server_max_window_bits', offerOf(TAKEOVER)).error!, /no number/);
});

test('§7.1.2.1: a smaller window of our own is used, and named only where the client asked', () => {
  const { answer, parameters } = answerTo('permessage-deflate', { ...TAKEOVER, serverMaxWindowBits: 11 })!;
  assert.equal(answer, 'permessage-deflate');
  assert.equal(parameters.serverMaxWindowBits, 11);
});

test('§7.1.2.1: a client accepts a server window that it did not ask for', () => {
  for (const bits of BITS) {
    const { parameters } = accept(`permessage-deflate; server_max_window_bits=${bits}`, offerOf(TAKEOVER));
    assert.equal(parameters!.serverMaxWindowBits, bits);
  }
});

test('§7.1.2.1: a client that asked for a window fails the connection over a larger one', () => {
  for (const asked of BITS.slice(0, -1)) {
    const offer = offerOf({ ...TAKEOVER, serverMaxWindowBits: asked });
    assert.match(offer, new RegExp(`server_max_window_bits=${asked}(;|$)`));
    for (const answered of BITS) {
      const { parameters } = accept(`permessage-deflate; server_max_window_bits=${answered}`, offer);
      assert.equal(parameters?.serverMaxWindowBits, answered <= asked ? answered : undefined);
    }
  }
});

test('§7.1.2.2: client_max_window_bits without a value lets the server choose', () => {
  for (const own of BITS) {
    const wishes = { ...TAKEOVER, clientMaxWindowBits: own };
    const { answer, parameters } = answerTo('permessage-deflate; client_max_window_bits', wishes)!;
    assert.equal(answer, own === 15 ? 'permessage-deflate' : `permessage-deflate; client_max_window_bits=${own}`);
    assert.equal(parameters.clientMaxWindowBits, own);
  }
});

test('§7.1.2.2: a value in the offer is answered with the same or a smaller one', () => {
  for (const bits of BITS) {
    for (const own of BITS) {
      const offer = `permessage-deflate; client_max_window_bits=${bits}`;
      const { answer, parameters } = answerTo(offer, { ...TAKEOVER, clientMaxWindowBits: own })!;
      const least = Math.min(bits, own);
      assert.equal(answer, least === 15 ? 'permessage-deflate' : `permessage-deflate; client_max_window_bits=${least}`);
      assert.equal(parameters.clientMaxWindowBits, least);
    }
  }
});

test('§7.1.2.2: a server MUST NOT answer client_max_window_bits where it was not offered', () => {
  for (const own of BITS) {
    const { answer, parameters } = answerTo('permessage-deflate', { clientMaxWindowBits: own })!;
    assert.doesNotMatch(answer, /client_max_window_bits/);
    assert.equal(parameters.clientMaxWindowBits, 15);
  }
});

test('§7.1.2.2: in an answer client_max_window_bits has a value, and was offered', () => {
  assert.match(accept('permessage-deflate; client_max_window_bits', offerOf(TAKEOVER)).error!, /has no value/);
  const bare = 'permessage-deflate';
  assert.match(accept('permessage-deflate; client_max_window_bits=10', bare).error!, /was not offered/);
});

test('§7.1.2.2: a client MUST NOT use a larger window than it said or was told', () => {
  for (const own of BITS) {
    const offer = offerOf({ ...TAKEOVER, clientMaxWindowBits: own });
    assert.equal(accept('permessage-deflate', offer).parameters!.clientMaxWindowBits, own);
    for (const told of BITS) {
      const { parameters } = accept(`permessage-deflate; client_max_window_bits=${told}`, offer);
      assert.equal(parameters!.clientMaxWindowBits, Math.min(own, told));
    }
  }
});

test('§7.1.2.1: a client MUST fail the connection over a larger server window than it offered: it closes', async (t) => {
  for (const answer of [
    'permessage-deflate; server_no_context_takeover; server_max_window_bits=11',
    'permessage-deflate; server_no_context_takeover',
  ]) {
    const { error, server } = await meetAndFail(t, ({ accepted }) => accepted(`Sec-WebSocket-Extensions: ${answer}`), {
      compression: { serverMaxWindowBits: 10 },
    });
    assert.match(server.handshake.fields.get('sec-websocket-extensions')!, /server_max_window_bits=10/);
    assert.equal(error.code, 'PB_ANSWER_DEFLATE_INVALID');
    assert.deepEqual(await server.rest(), []);
  }
});
