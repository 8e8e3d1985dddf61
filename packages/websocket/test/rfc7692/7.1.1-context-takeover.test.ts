import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accept, answerTo, granted, offerOf, refused } from '../support/negotiate.ts';

const TAKEOVER = { takeover: true };

test('§7.1.1.1: a server accepts server_no_context_takeover by including it in the answer', () => {
  const { answer, parameters } = answerTo('permessage-deflate; server_no_context_takeover', TAKEOVER)!;
  assert.equal(answer, 'permessage-deflate; server_no_context_takeover');
  assert.deepEqual([parameters.serverNoContextTakeover, parameters.clientNoContextTakeover], [true, false]);
});

test('§7.1.1.1: a server may include it unasked: it does unless takeover is wanted and granted', () => {
  const both = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
  assert.equal(answerTo('permessage-deflate')!.answer, both);
  assert.equal(answerTo('permessage-deflate', TAKEOVER, refused)!.answer, both);
  assert.equal(answerTo('permessage-deflate', TAKEOVER, granted)!.answer, 'permessage-deflate');
});

test('§7.1.1.2: client_no_context_takeover in an offer is a hint that the server takes up', () => {
  const { answer, parameters } = answerTo('permessage-deflate; client_no_context_takeover', TAKEOVER)!;
  assert.equal(answer, 'permessage-deflate; client_no_context_takeover');
  assert.deepEqual([parameters.serverNoContextTakeover, parameters.clientNoContextTakeover], [false, true]);
});

test('§7.1.1: memory is asked for once, for what would be agreed on, and not where no window is kept', () => {
  const asked: unknown[] = [];
  const ask = (wanted: unknown): boolean => asked.push(wanted) > 0;
  const { parameters } = answerTo('permessage-deflate; server_max_window_bits=10', TAKEOVER, ask)!;
  assert.deepEqual(asked, [parameters]);
  assert.equal(asked[0], parameters, 'not the same object');
  answerTo('permessage-deflate; server_no_context_takeover; client_no_context_takeover', TAKEOVER, ask);
  answerTo('permessage-deflate', {}, ask);
  answerTo('permessage-deflate; what', TAKEOVER, ask);
  assert.equal(asked.length, 1);
});

test('§7.1.1: parameters without a value have none in the answer', () => {
  assert.doesNotMatch(answerTo('permessage-deflate')!.answer, /=/);
});

test('§7.1.1.1: a client that cannot keep the server’s window says so, and does not keep its own', () => {
  const offer = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits';
  assert.equal(offerOf(), offer);
  assert.equal(offerOf(TAKEOVER, refused), offer);
  assert.equal(offerOf(TAKEOVER, granted), 'permessage-deflate; client_max_window_bits');
});

test('§7.1.1.1: a server may answer it unasked, and the client keeps to it', () => {
  const { parameters } = accept('permessage-deflate; server_no_context_takeover', offerOf(TAKEOVER));
  assert.deepEqual([parameters!.serverNoContextTakeover, parameters!.clientNoContextTakeover], [true, false]);
});

test('§7.1.1.2: a client that is told client_no_context_takeover MUST NOT take its window over', () => {
  const { parameters } = accept('permessage-deflate; client_no_context_takeover', offerOf(TAKEOVER));
  assert.deepEqual([parameters!.serverNoContextTakeover, parameters!.clientNoContextTakeover], [false, true]);
});

test('§7.1.1.2: what a client said of itself holds though the server ignores it', () => {
  const { parameters } = accept('permessage-deflate; server_no_context_takeover');
  assert.equal(parameters!.clientNoContextTakeover, true);
});
