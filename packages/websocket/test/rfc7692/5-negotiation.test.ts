import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAnswer } from '#dist/handshake/index.js';
import { makeAnswer, RFC_KEY } from '../support/handshakes.ts';
import { accept, answerTo, offerOf } from '../support/negotiate.ts';
import { testPlatform } from '../support/platform.ts';
import { meet, meetAndFail } from '../support/server-end.ts';

test('§5: a client that offers the extension MUST name it', () => {
  for (const wishes of [{}, { takeover: true }, { serverMaxWindowBits: 9, clientMaxWindowBits: 9 }]) {
    assert.match(offerOf(wishes), /^permessage-deflate(;|$)/);
  }
});

test('§5: a server that accepts MUST name the extension in its answer', () => {
  for (const wishes of [{}, { takeover: true }]) {
    assert.match(answerTo('permessage-deflate', wishes)!.answer, /^permessage-deflate(;|$)/);
  }
});

test('§5: a server MUST NOT accept what was not offered', () => {
  for (const header of ['permessage-bzip2', 'x-webkit-deflate-frame', 'Permessage-Deflate', 'permessage-deflate2']) {
    assert.equal(answerTo(header), undefined, header);
  }
});

test('§5: the element that comes first is the preferred one', () => {
  const header = 'permessage-deflate; server_max_window_bits=10, permessage-deflate; server_max_window_bits=12';
  assert.equal(answerTo(header)!.parameters.serverMaxWindowBits, 10);
  assert.equal(answerTo('mux; max=4, permessage-deflate; server_max_window_bits=9')!.parameters.serverMaxWindowBits, 9);
});

test('§5: an element that cannot be accepted does not keep the next from being accepted', () => {
  const header = 'permessage-deflate; server_max_window_bits=16, permessage-deflate; server_max_window_bits=12';
  assert.equal(answerTo(header)!.parameters.serverMaxWindowBits, 12);
  assert.equal(answerTo('permessage-deflate; what, permessage-deflate; that'), undefined);
});

test('§5: the answer MUST be one that the offer allows: the client that offered it accepts it', () => {
  const wishes = [{}, { takeover: true }, { takeover: true, serverMaxWindowBits: 10, clientMaxWindowBits: 9 }];
  for (const takeover of [false, true]) {
    for (const serverMaxWindowBits of [8, 9, 12, 15]) {
      for (const clientMaxWindowBits of [8, 11, 15]) {
        const offer = offerOf({ takeover, serverMaxWindowBits, clientMaxWindowBits });
        for (const wished of wishes) {
          const { answer, parameters } = answerTo(offer, wished)!;
          const { parameters: understood } = accept(answer, offer);
          // The client may reckon with a larger window than the server uses, never with a smaller one.
          assert.ok(understood!.serverMaxWindowBits >= parameters.serverMaxWindowBits, `${offer} → ${answer}`);
          const { serverMaxWindowBits: bits } = understood!;
          assert.deepEqual(understood, { ...parameters, serverMaxWindowBits: bits }, `${offer} → ${answer}`);
        }
      }
    }
  }
});

test('§5: where the server says nothing, the connection goes on without compression', () => {
  const offer = { name: 'permessage-deflate', parameters: new Map(), duplicated: false };
  const request = { key: RFC_KEY, subprotocols: [], extensions: [offer] };
  const result = checkAnswer(testPlatform, request, makeAnswer());
  assert.deepEqual(result.ok && result.extensions, []);
});

test('§5: a client MUST fail the connection where the server accepts what was not offered', () => {
  const request = { key: RFC_KEY, subprotocols: [], extensions: [] };
  const answer = makeAnswer({ 'Sec-WebSocket-Extensions': 'permessage-deflate' });
  assert.equal(checkAnswer(testPlatform, request, answer).ok, false);
});

test('§5: a client MUST fail the connection over an extension that it did not offer, or that is there twice: it closes', async (t) => {
  for (const [value, compression] of [
    ['permessage-deflate', false],
    ['permessage-deflate, permessage-deflate', true],
    ['permessage-bzip2', true],
  ] as const) {
    const { error, server } = await meetAndFail(t, ({ accepted }) => accepted(`Sec-WebSocket-Extensions: ${value}`), {
      compression,
    });
    assert.equal(error.code, 'PB_ANSWER_EXTENSION_UNEXPECTED', value);
    assert.deepEqual(await server.rest(), []);
  }
});

test('§5: a client whose offer is not taken up goes on without compression', async (t) => {
  const { client, server, log } = await meet(t, { compression: { threshold: 0 } });
  client.send('plain', 'text', { compress: true });
  const [frame] = await server.frames(1);
  assert.deepEqual([frame!.rsv, frame!.payload.toString(), client.extensions], [0, 'plain', '']);
  server.sendText('plain');
  await log.has('text "plain"');
});
