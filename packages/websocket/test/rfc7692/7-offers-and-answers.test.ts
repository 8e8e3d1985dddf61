import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accept, answerTo, INVALID_WINDOW_BITS, offerOf } from '../support/negotiate.ts';
import { meetAndFail } from '../support/server-end.ts';

const deflate = (parameters: string): string => `permessage-deflate; ${parameters}`;

test('§7: a server MUST decline an offer with a parameter that is not defined', () => {
  for (const parameter of [
    'what',
    'Server_no_context_takeover',
    'server_max_window_bits_',
    '__proto__',
    'constructor',
  ]) {
    assert.equal(answerTo(deflate(parameter)), undefined, parameter);
    assert.equal(answerTo(deflate(`${parameter}=1; server_max_window_bits=10`)), undefined, parameter);
  }
});

test('§7: a server MUST decline an offer with a parameter of an invalid value', () => {
  for (const value of INVALID_WINDOW_BITS) {
    assert.equal(answerTo(deflate(`server_max_window_bits=${value}`)), undefined, value);
    assert.equal(answerTo(deflate(`client_max_window_bits=${value}`)), undefined, value);
  }
  for (const value of ['1', 'true']) {
    assert.equal(answerTo(deflate(`server_no_context_takeover=${value}`)), undefined);
    assert.equal(answerTo(deflate(`client_no_context_takeover=${value}`)), undefined);
  }
});

test('§7: a server MUST decline an offer with several parameters of the same name', () => {
  for (const parameter of [
    'server_no_context_takeover',
    'client_no_context_takeover',
    'client_max_window_bits',
    'server_max_window_bits=10',
  ]) {
    assert.notEqual(answerTo(deflate(parameter)), undefined);
    assert.equal(answerTo(deflate(`${parameter}; ${parameter}`)), undefined, parameter);
  }
});

test('§7: declining is not an error: the other offers count', () => {
  const header = 'permessage-deflate; what, permessage-deflate; client_max_window_bits=99, permessage-deflate';
  assert.notEqual(answerTo(header), undefined);
});

test('§7: a client MUST fail the connection over an answer with a parameter that is not defined', () => {
  for (const parameter of ['what', 'what=1', '__proto__', 'Server_no_context_takeover']) {
    const { error } = accept(deflate(`server_no_context_takeover; ${parameter}`));
    assert.match(error!, /not known/, parameter);
  }
});

test('§7: a client MUST fail the connection over an answer with a parameter of an invalid value', () => {
  for (const value of INVALID_WINDOW_BITS) {
    for (const name of ['server_max_window_bits', 'client_max_window_bits']) {
      const { error } = accept(deflate(`server_no_context_takeover; ${name}=${value}`));
      assert.match(error!, /no number from 8 to 15/, value);
    }
  }
  for (const name of ['server_no_context_takeover', 'client_no_context_takeover']) {
    assert.match(accept(deflate(`${name}=1`)).error!, /takes no value/);
  }
});

test('§7: a client MUST fail the connection over an answer with several parameters of the same name', () => {
  const { error } = accept(deflate('server_no_context_takeover; server_no_context_takeover'));
  assert.match(error!, /more than once/);
});

test('§7: a client MUST fail the connection over an answer that it cannot support', () => {
  // It asked the server not to take its window over, and has no memory for one; or for one that is smaller.
  assert.match(accept('permessage-deflate').error!, /server_no_context_takeover was offered/);
  const offer = offerOf({ takeover: true, serverMaxWindowBits: 10 });
  assert.match(accept(deflate('server_max_window_bits=11'), offer).error!, /is 11, above the 10/);
  assert.match(accept('permessage-deflate', offer).error!, /is 15, above the 10/);
});

test('§7: a header that is not well-formed is for the handshake; an offer of no parameters is accepted', () => {
  assert.deepEqual(answerTo('permessage-deflate', { takeover: true })!.answer, 'permessage-deflate');
  assert.deepEqual(accept('permessage-deflate', offerOf({ takeover: true })), {
    parameters: {
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: 15,
      clientMaxWindowBits: 15,
    },
  });
});

for (const [why, parameters] of [
  ['a parameter that is not defined', 'what'],
  ['a value where there is none', 'server_no_context_takeover=1'],
  ['a value out of range', 'server_max_window_bits=16'],
  ['a leading zero', 'server_max_window_bits=09'],
  ['no value in an answer', 'client_max_window_bits'],
  ['a parameter twice', 'server_no_context_takeover; server_no_context_takeover'],
] as const) {
  test(`§7: a client MUST fail the connection over the server's answer, and closes: ${why}`, async (t) => {
    const { error, server } = await meetAndFail(
      t,
      ({ accepted }) => accepted(`Sec-WebSocket-Extensions: ${deflate(parameters)}`),
      { compression: { takeover: true } },
    );
    assert.equal(error.code, 'PB_ANSWER_DEFLATE_INVALID');
    assert.deepEqual(await server.rest(), []);
  });
}
