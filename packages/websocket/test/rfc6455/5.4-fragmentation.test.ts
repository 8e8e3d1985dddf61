import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeMessage } from '#dist/protocol/sender.js';
import { receive } from '../support/deliver.ts';
import { bytes, concat, fromClient, fromServer, utf8 } from '../support/frames.ts';
import { meet } from '../support/server-end.ts';

const first = (text: string, opcode = 1): Uint8Array => fromClient({ opcode, fin: false, payload: utf8(text) });
const middle = (text: string): Uint8Array => fromClient({ opcode: 0, fin: false, payload: utf8(text) });
const last = (text: string): Uint8Array => fromClient({ opcode: 0, payload: utf8(text) });
const whole = (text: string): Uint8Array => fromClient({ opcode: 1, payload: utf8(text) });
const ping = (text: string): Uint8Array => fromClient({ opcode: 9, payload: utf8(text) });

test('§5.4: an unfragmented message is a single frame with FIN set and an opcode other than 0', () => {
  assert.deepEqual(receive(concat(whole('one'), whole('two'))), ['text "one"', 'text "two"']);
});

test('§5.4: FIN clear, then opcode 0 with FIN clear any number of times, then opcode 0 with FIN set', () => {
  assert.deepEqual(receive(concat(first('Hel'), last('lo'))), ['text "Hello"']);
  assert.deepEqual(receive(concat(first('H'), middle('el'), middle('l'), last('o'))), ['text "Hello"']);
});

test('§5.4: the RFC’s example, a text message in three fragments', () => {
  const stream = concat(first('one '), middle('two '), last('three'));
  assert.deepEqual([stream[0], stream[10], stream[20]], [0x01, 0x00, 0x80]);
  assert.deepEqual(receive(stream), ['text "one two three"']);
});

test('§5.4: fragments may be empty: the first, one in the middle, the last, or all of them', () => {
  assert.deepEqual(receive(concat(first(''), last('a'))), ['text "a"']);
  assert.deepEqual(receive(concat(first('a'), middle(''), last('b'))), ['text "ab"']);
  assert.deepEqual(receive(concat(first('a'), last(''))), ['text "a"']);
  assert.deepEqual(receive(concat(first('', 2), middle(''), middle(''), last(''))), ['binary ']);
});

test('§5.4: a message whose last fragment has not come is not a message yet', () => {
  assert.deepEqual(receive(concat(first('Hel'), middle('lo'))), ['unfinished text "Hello"']);
});

test('§5.4: control frames MAY be injected in the middle of a fragmented message, between any two fragments', () => {
  const stream = concat(first('a'), ping('1'), middle('b'), ping('2'), ping('3'), middle('c'), last('d'), ping('4'));
  assert.deepEqual(receive(stream), ['ping "1"', 'ping "2"', 'ping "3"', 'text "abcd"', 'ping "4"']);
});

test('§5.4: an endpoint MUST be capable of handling control frames in the middle of a fragmented message', () => {
  for (const { role, frame } of [
    { role: 'server', frame: fromClient },
    { role: 'client', frame: fromServer },
  ] as const) {
    for (const opcode of [8, 9, 10]) {
      const stream = concat(
        frame({ opcode: 2, fin: false, payload: bytes(1) }),
        frame({ opcode, payload: bytes(0x0f, 0xa0) }),
        frame({ opcode: 0, payload: bytes(2) }),
      );
      const [control, message] = receive(stream, { role });
      assert.match(control!, /^(close 4000|ping|pong)/);
      assert.equal(message, 'binary 0102');
    }
  }
});

test('§5.4: a control frame does not end the character that is in the middle of a text', () => {
  const [head, tail] = [bytes(0xe2, 0x82), bytes(0xac)];
  const stream = concat(
    fromClient({ opcode: 1, fin: false, payload: head }),
    ping('é'),
    fromClient({ opcode: 0, payload: tail }),
  );
  assert.deepEqual(receive(stream), [`ping ${JSON.stringify('Ã©')}`, 'text "€"']);
});

test('§5.4: control frames themselves MUST NOT be fragmented', () => {
  for (const opcode of [8, 9, 10]) {
    const stream = concat(fromClient({ opcode, fin: false, payload: bytes(3, 232) }), last(''));
    assert.deepEqual(receive(stream), ['fail 1002 PB_CONTROL_FRAGMENTED']);
    assert.deepEqual(receive(concat(first('a'), stream)), ['fail 1002 PB_CONTROL_FRAGMENTED', 'unfinished text "a"']);
  }
});

test('§5.4: message fragments MUST be delivered in the order sent', () => {
  const letters = Array.from('abcdefghijklmnopqrstuvwxyz');
  const stream = concat(first(''), ...letters.map(middle), last('.'));
  assert.deepEqual(receive(stream), [`text "${letters.join('')}."`]);
});

for (const opcode of [1, 2]) {
  for (const fin of [true, false]) {
    test(`§5.4: fragments of one message MUST NOT be interleaved with another: opcode ${opcode}, FIN=${fin ? 1 : 0}`, () => {
      const stream = concat(first('a'), fromClient({ opcode, fin, payload: utf8('b') }), last('c'));
      assert.deepEqual(receive(stream), ['fail 1002 PB_FRAGMENT_INTERLEAVED', 'unfinished text "a"']);
    });
  }
}

for (const fin of [true, false]) {
  test(`§5.4: a continuation frame with nothing to continue fails the connection: FIN=${fin ? 1 : 0}`, () => {
    const stray = fromClient({ opcode: 0, fin, payload: utf8('a') });
    assert.deepEqual(receive(stray), ['fail 1002 PB_FRAGMENT_UNEXPECTED']);
    assert.deepEqual(receive(concat(whole('a'), stray)), ['text "a"', 'fail 1002 PB_FRAGMENT_UNEXPECTED']);
    assert.deepEqual(receive(concat(first('a'), last('b'), stray)), ['text "ab"', 'fail 1002 PB_FRAGMENT_UNEXPECTED']);
    assert.deepEqual(receive(concat(ping('?'), stray)), ['ping "?"', 'fail 1002 PB_FRAGMENT_UNEXPECTED']);
  });
}

test('§5.4: clients and servers MUST support receiving both fragmented and unfragmented messages', () => {
  for (const { role, frame } of [
    { role: 'server', frame: fromClient },
    { role: 'client', frame: fromServer },
  ] as const) {
    const stream = concat(
      frame({ opcode: 1, payload: utf8('whole') }),
      frame({ opcode: 2, fin: false, payload: bytes(1) }),
      frame({ opcode: 0, payload: bytes(2) }),
      frame({ opcode: 1, payload: utf8('whole') }),
    );
    assert.deepEqual(receive(stream, { role }), ['text "whole"', 'binary 0102', 'text "whole"']);
  }
});

test('§5.4: all fragments of a message are of the type set by the first fragment’s opcode', () => {
  // Bytes that are no text are refused in the continuation of a text, and taken in that of a binary message.
  const notText = fromClient({ opcode: 0, payload: bytes(0xff) });
  assert.deepEqual(receive(concat(first('', 1), notText)), ['fail 1007 PB_TEXT_INVALID_UTF8']);
  assert.deepEqual(receive(concat(first('', 2), notText)), ['binary ff']);
});

test('§5.4: a sender MAY create fragments of any size: opcode on the first, FIN on the last', () => {
  const payload = utf8('fragmentation');
  for (let size = 1; size <= payload.length + 1; size++) {
    const stream = encodeMessage(1, false, payload, null, size);
    const starts: number[] = [];
    for (let at = 0; at < stream.length; at += 2 + stream[at + 1]!) starts.push(stream[at]!);
    const frames = Math.ceil(payload.length / size);
    const expected = frames === 1 ? [0x81] : [0x01, ...Array<number>(frames - 2).fill(0x00), 0x80];
    assert.deepEqual(starts, expected);
    assert.deepEqual(receive(stream, { role: 'client' }), ['text "fragmentation"']);
  }
});

test('§5.4: a connected client sends the fragments of a message in order, with nothing but control frames in between', async (t) => {
  const { client, server } = await meet(t);
  client.send('abcdef', 'text', { fragmentSize: 2 });
  client.ping('p');
  client.send(Uint8Array.of(1, 2, 3), 'binary', { fragmentSize: 2 });
  const sent: string[] = [];
  for (let i = 0; i < 6; i++) sent.push(await server.next());
  assert.deepEqual(
    sent.filter((frame) => !frame.startsWith('ping')),
    [
      'unfinished text "ab"',
      'unfinished continuation "cd"',
      'continuation "ef"',
      'unfinished binary 0102',
      'continuation "\\u0003"',
    ],
  );
});

test('§5.4: a connected client MUST be able to receive control frames in the middle of a fragmented message', async (t) => {
  const { server, log } = await meet(t);
  server.send(
    { opcode: 1, fin: false, payload: utf8('a') },
    { opcode: 9, payload: utf8('p') },
    { opcode: 0, fin: false },
    { opcode: 10, payload: utf8('q') },
    { opcode: 0, payload: utf8('b') },
  );
  await log.has('text');
  assert.deepEqual(log.lines, ['ping p', 'pong q', 'text "ab"']);
  assert.equal(await server.next(), 'pong "p"');
});

for (const [name, frames] of [
  ['a continuation of nothing', [{ opcode: 0 }]],
  ['a new message inside another', [{ opcode: 1, fin: false }, { opcode: 1 }]],
] as const) {
  test(`§5.4: a connected client fails the connection upon ${name}`, async (t) => {
    const { server, log } = await meet(t);
    server.send(...frames);
    assert.match((await server.rest()).join(), /^close 1002 "[^"]+"$/);
    server.end();
    await log.has('close 1002');
  });
}
