import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accept, answerTo, granted, offerOf, refused } from '../support/negotiate.ts';
import { meet, meetAndFail } from '../support/server-end.ts';
import { compressed, decompressed } from '../support/server-deflate.ts';

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

/** An answer that agrees to these parameters. */
const answering = (...more: string[]): string =>
  `Sec-WebSocket-Extensions: ${['permessage-deflate', ...more].join('; ')}`;
const TEXT = 'many words that come again, many words that come again';

test('§7.1.1.1: a client that offered server_no_context_takeover MUST fail the connection where the answer lacks it', async (t) => {
  const { error, server } = await meetAndFail(t, ({ accepted }) => accepted(answering('client_no_context_takeover')), {
    compression: true,
  });
  assert.match(server.handshake.fields.get('sec-websocket-extensions')!, /server_no_context_takeover/);
  assert.equal(error.code, 'PB_ANSWER_DEFLATE_INVALID');
  assert.deepEqual(await server.rest(), []);
});

for (const [why, compression, more] of [
  ['was told so', { threshold: 0, takeover: true }, ['client_no_context_takeover']],
  ['said so', { threshold: 0 }, ['server_no_context_takeover']],
] as const) {
  test(`§7.1.1.2: a connected client that ${why} MUST NOT take its window over`, async (t) => {
    const { client, server } = await meet(t, { compression }, [answering(...more)]);
    for (let i = 0; i < 3; i++) client.send(TEXT);
    for (const { rsv, payload } of await server.frames(3)) {
      assert.equal(rsv, 4);
      // Alone, without what came before.
      assert.equal(Buffer.from(decompressed(payload).bytes).toString(), TEXT);
    }
  });
}

test('§7.1.1: where neither was agreed on, a connected client MUST be able to take the server’s window over', async (t) => {
  const { client, server, log } = await meet(t, { compression: { threshold: 0, takeover: true } }, [answering()]);
  const window = Buffer.from(TEXT);
  const referring = compressed(TEXT, window);
  assert.throws(() => decompressed(referring), /before the beginning/);
  server.send({ opcode: 1, rsv1: true, payload: compressed(TEXT) }, { opcode: 1, rsv1: true, payload: referring });
  await log.has('text', 2);
  assert.deepEqual(log.lines, [`text "${TEXT}"`, `text "${TEXT}"`]);
  // And its own: the second message refers to the first.
  client.send(TEXT);
  client.send(TEXT);
  const [first, second] = await server.frames(2);
  assert.equal(Buffer.from(decompressed(first!.payload).bytes).toString(), TEXT);
  assert.equal(Buffer.from(decompressed(second!.payload, window).bytes).toString(), TEXT);
});

test('§7.1.1.1: where the server said server_no_context_takeover, a connected client keeps no window to refer to', async (t) => {
  const { server, log } = await meet(t, { compression: { takeover: true } }, [answering('server_no_context_takeover')]);
  server.send(
    { opcode: 1, rsv1: true, payload: compressed(TEXT) },
    { opcode: 1, rsv1: true, payload: compressed(TEXT, Buffer.from(TEXT)) },
  );
  assert.match((await server.rest()).join(), /^close 1007 "[^"]+"$/);
  assert.equal(log.lines[0], `text "${TEXT}"`);
  assert.equal(log.lines.length, 2);
});
