import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type PreparedMessage, prepareMessage } from '@pulsebeacon/websocket';
import type { SendData } from '#dist/connection/connection.js';
import { framesIn, makeConnection, turn } from '../support/connections.ts';

// A number, or a view that is not understood, once disclosed memory.

/** What is neither a string nor bytes. */
const NO_DATA: readonly unknown[] = [
  0,
  1,
  100,
  2 ** 31,
  Number.NaN,
  1n,
  true,
  false,
  null,
  undefined,
  Symbol('x'),
  () => 'x',
  {},
  { length: 100 },
  { buffer: new ArrayBuffer(8), byteOffset: 0, byteLength: 8 },
  [],
  [1, 2, 3],
  new Date(0),
  new String('boxed'),
  new Blob(['x']),
  Object.create(null),
  Object.create(Uint8Array.prototype),
];

const payloads = (written: Buffer): number[][] => framesIn(written).map(({ payload }) => [...payload]);

describe('send', () => {
  test('takes nothing but strings and bytes', async () => {
    const { connection, stream } = makeConnection();
    for (const data of NO_DATA) {
      for (const options of [undefined, {}, { compress: true }, { fragmentSize: 5 }]) {
        assert.throws(() => connection.send(data as SendData, undefined, options), {
          name: /^(UsageError|TypeError)$/,
        });
      }
    }
    await turn();
    assert.deepEqual([stream.writes, connection.traffic.messagesOut], [[], 0]);
  });

  test('names what was given and what to do', () => {
    const { connection } = makeConnection();
    const messageFor = (data: unknown): string => {
      try {
        connection.send(data as SendData);
        return 'sent';
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'PB_DATA_TYPE');
        return (error as Error).message;
      }
    };
    assert.match(messageFor(100), /^cannot send the number 100: pass a string, an ArrayBuffer, or a view/);
    assert.match(messageFor(null), /^cannot send null: /);
    assert.match(messageFor(undefined), /^cannot send undefined: /);
    assert.match(messageFor({}), /^cannot send an object \(Object\): .*JSON\.stringify/);
    assert.match(messageFor(Object.create(null)), /^cannot send an object \(no prototype\): /);
    assert.match(messageFor(Symbol('s')), /^cannot send the symbol Symbol\(s\): /);
    assert.ok(messageFor(() => 'x'.repeat(1000)).length < 300);
  });

  test('sends exactly the bytes of a view, not those around it', async () => {
    const memory = new Uint8Array([9, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]).buffer;
    const shared = new SharedArrayBuffer(4);
    new Uint8Array(shared).set([5, 6, 7, 8]);
    const cases: [SendData, number[]][] = [
      [new Uint8Array(memory, 2, 3), [1, 2, 3]],
      [new Int8Array([-1, 1]), [255, 1]],
      [new Uint8ClampedArray([1, 2]), [1, 2]],
      [new Uint16Array(memory, 2, 2), [1, 2, 3, 4]],
      [new Float64Array(1), [0, 0, 0, 0, 0, 0, 0, 0]],
      [new BigUint64Array([0x0102n]), [2, 1, 0, 0, 0, 0, 0, 0]],
      [new DataView(memory, 4, 2), [3, 4]],
      [Buffer.from('abc').subarray(1), [98, 99]],
      [memory.slice(2, 4), [1, 2]],
      [shared, [5, 6, 7, 8]],
      [new Uint8Array(shared, 1, 2), [6, 7]],
      [new ArrayBuffer(0), []],
      [new Uint8Array(0), []],
    ];
    for (const [data, expected] of cases) {
      for (const options of [undefined, { compress: false }]) {
        const { connection, stream } = makeConnection();
        connection.send(data, undefined, options);
        await turn();
        assert.deepEqual(payloads(stream.written), [expected]);
        assert.equal(stream.written[0], 0x82);
      }
    }
  });

  test('bytes that say to be more or fewer than they are would bring what lies beside them', async () => {
    class Longer extends Uint8Array {
      override get length(): number {
        return 100;
      }
    }
    const shorter = Object.defineProperty(Buffer.from('four'), 'length', { value: 2 });
    const { connection, stream } = makeConnection();
    for (const data of [new Longer(4), shorter]) {
      for (const options of [undefined, { compress: true }]) {
        assert.throws(() => connection.send(data, undefined, options), {
          code: 'PB_DATA_TYPE',
          message: /its length says \d+, and it has 4 bytes/,
        });
      }
      assert.throws(() => connection.ping(data), { code: 'PB_DATA_TYPE' });
      assert.throws(() => prepareMessage(data), { code: 'PB_DATA_TYPE' });
    }
    await turn();
    assert.deepEqual(stream.writes, []);
  });

  test('bytes as text must be UTF-8', async () => {
    const { connection, stream } = makeConnection();
    for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      for (const options of [undefined, { compress: true }]) {
        const send = (): unknown => connection.send(new Uint8Array(bad), 'text', options);
        assert.throws(send, { code: 'PB_DATA_TYPE', message: /not UTF-8/ });
      }
    }
    connection.send(Buffer.from('grün'), 'text');
    connection.send('grün', 'binary');
    await turn();
    assert.deepEqual(
      framesIn(stream.written).map(({ first }) => first),
      [0x81, 0x82],
    );
    assert.deepEqual(payloads(stream.written)[0], payloads(stream.written)[1]);
  });

  test('fragmentSize is a whole number from 1', () => {
    const { connection } = makeConnection();
    for (const fragmentSize of [0, -1, 1.5, Number.NaN, Infinity, '5', null, {}]) {
      const send = (): unknown => connection.send('x', undefined, { fragmentSize: fragmentSize as number });
      assert.throws(send, { name: 'UsageError', code: 'PB_OPTION_INVALID' }, String(fragmentSize));
    }
  });
});

describe('sendPrepared', () => {
  test('takes nothing but prepared messages', async () => {
    const { connection, stream } = makeConnection();
    for (const message of [...NO_DATA, 'text', Buffer.from('bytes')]) {
      const send = (): unknown => connection.sendPrepared(message as PreparedMessage);
      assert.throws(send, { code: 'PB_DATA_TYPE', message: /prepareMessage\(\)/ });
    }
    await turn();
    assert.deepEqual([stream.writes, connection.traffic.messagesOut], [[], 0]);
  });
});

describe('close', () => {
  test('takes the codes that may be sent, and no other', () => {
    for (let code = -1; code <= 5001; code++) {
      const { connection } = makeConnection();
      const isAllowed =
        (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
      if (isAllowed) connection.close(code);
      else assert.throws(() => connection.close(code), { name: 'UsageError', code: 'PB_CLOSE_CODE_INVALID' });
      assert.equal(connection.state, isAllowed ? 'closing' : 'open');
    }
  });

  test('takes no code that is not a whole number', () => {
    const { connection } = makeConnection();
    for (const code of ['1000', 1000.5, Number.NaN, Infinity, 1000n, true, {}, [1000], new Uint8Array(2)]) {
      assert.throws(() => connection.close(code as number), { code: 'PB_CLOSE_CODE_INVALID' }, String(code));
    }
    assert.equal(connection.state, 'open');
  });

  test('the reason is a string of at most 123 bytes', () => {
    const { connection } = makeConnection();
    for (const reason of [123, {}, [], new Uint8Array(100), true]) {
      assert.throws(() => connection.close(1000, reason as string), { code: 'PB_CLOSE_REASON_TOO_LONG' });
    }
    assert.throws(() => connection.close(1000, 'x'.repeat(124)), {
      code: 'PB_CLOSE_REASON_TOO_LONG',
      message: /124 bytes/,
    });
    assert.throws(() => connection.close(1000, 'é'.repeat(62)), { code: 'PB_CLOSE_REASON_TOO_LONG' });
    assert.equal(connection.state, 'open');
    connection.close(undefined, 'é'.repeat(61));
  });

  test('is as strict where it has no effect any more', () => {
    const { connection, stream } = makeConnection();
    stream.close();
    assert.throws(() => connection.close(1005), { code: 'PB_CLOSE_CODE_INVALID' });
  });
});

describe('ping', () => {
  test('takes a string or a Uint8Array of at most 125 bytes, or nothing', async () => {
    const { connection, stream } = makeConnection();
    for (const data of [
      ...NO_DATA.filter((data) => data !== undefined),
      new DataView(new ArrayBuffer(4)),
      new ArrayBuffer(4),
    ]) {
      assert.throws(() => connection.ping(data as string), { name: /^(UsageError|TypeError)$/ });
    }
    for (const data of ['x'.repeat(126), new Uint8Array(126), 'é'.repeat(63)]) {
      assert.throws(() => connection.ping(data), { code: 'PB_CONTROL_TOO_LONG_TO_SEND' });
    }
    connection.ping();
    connection.ping('é'.repeat(62));
    connection.ping(new Uint8Array([9, 1, 2, 9]).subarray(1, 3));
    await turn();
    assert.deepEqual(
      payloads(stream.written).map((payload) => payload.length),
      [0, 124, 2],
    );
  });
});
