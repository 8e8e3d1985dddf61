import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BufferedAmount } from '#dist/node/whatwg/buffered-amount.js';
import { rawServer } from '../support/raw-server.ts';
import { serve } from '../support/servers.ts';
import { next, openTo, until } from './support.ts';

// https://websockets.spec.whatwg.org/#dom-websocket-bufferedamount

/** Of a client: 2 bytes, or 4 from 126 on, and 4 of masking key. */
const FRAMING = 6;

describe('the count', () => {
  test('what is sent in this turn counts in full, wherever it is by now', () => {
    const amount = new BufferedAmount();
    amount.addSent(10);
    amount.addSent(0);
    amount.addSent(20);
    assert.equal(amount.read(0), 30);
    assert.equal(amount.read(1000), 30);
  });

  test('at the end of the turn, nothing is left of what is written', () => {
    const amount = new BufferedAmount();
    amount.addSent(10);
    amount.endTurn(0);
    assert.equal(amount.read(0), 0);
  });

  test('of what is queued, framing does not count', () => {
    const amount = new BufferedAmount();
    for (const length of [10, 20, 30]) amount.addSent(length);
    const all = 60 + 3 * FRAMING;
    amount.endTurn(all);
    assert.equal(amount.read(all), 60);
    // The first header is transmitted, and then its payload.
    assert.equal(amount.read(all - FRAMING), 60);
    assert.equal(amount.read(all - FRAMING - 4), 56);
    assert.equal(amount.read(all - FRAMING - 10), 50);
    assert.equal(amount.read(all - 2 * FRAMING - 10), 50);
    assert.equal(amount.read(all - 2 * FRAMING - 11), 49);
    assert.equal(amount.read(30 + FRAMING), 30);
    assert.equal(amount.read(1), 1);
    assert.equal(amount.read(0), 0);
  });

  test('longer frames have longer headers', () => {
    for (const [length, header] of [
      [125, 6],
      [126, 8],
      [65_535, 8],
      [65_536, 14],
    ] as const) {
      const amount = new BufferedAmount();
      amount.addSent(length);
      amount.addSent(1);
      const all = header + length + FRAMING + 1;
      amount.endTurn(all);
      assert.equal(amount.read(all - header), length + 1);
      assert.equal(amount.read(all - header - 1), length);
    }
  });

  test('what is sent now counts in full while earlier messages leave', () => {
    const amount = new BufferedAmount();
    amount.addSent(100);
    amount.endTurn(100 + FRAMING);
    amount.addSent(50);
    assert.equal(amount.read(60 + FRAMING + 50), 110);
    assert.equal(amount.read(FRAMING + 50), 50);
    assert.equal(amount.read(0), 50);
    amount.endTurn(25);
    assert.equal(amount.read(25), 25);
  });

  test('what waits for a Blob, and what is lost, counts', () => {
    const amount = new BufferedAmount();
    amount.addWaiting(7);
    amount.addLost(3);
    assert.equal(amount.read(0), 10);
    amount.addWaiting(-7);
    amount.addSent(7);
    assert.equal(amount.read(0), 10);
    amount.endTurn(0);
    assert.equal(amount.read(0), 3);
  });

  test('once frozen it never shrinks, and what is sent adds to it', () => {
    const amount = new BufferedAmount();
    amount.addSent(10);
    amount.addSent(10);
    amount.endTurn(2 * (10 + FRAMING));
    amount.addWaiting(5);
    amount.freeze(10 + FRAMING);
    assert.equal(amount.read(0), 15);
    amount.freeze(0);
    amount.endTurn(0);
    amount.addLost(1);
    assert.equal(amount.read(0), 16);
  });

  test('frozen without knowing what was transmitted, it stays what it was', () => {
    const amount = new BufferedAmount();
    amount.addSent(10);
    amount.endTurn(10);
    amount.addSent(5);
    amount.freeze(Infinity);
    assert.equal(amount.read(0), 15);
  });

  test('ten thousand messages that leave one by one', () => {
    const amount = new BufferedAmount();
    const COUNT = 10_000;
    for (let i = 0; i < COUNT; i++) amount.addSent(1);
    const frame = 1 + FRAMING;
    amount.endTurn(COUNT * frame);
    for (let left = COUNT; left >= 0; left--) assert.equal(amount.read(left * frame), left);
    amount.addSent(2);
    assert.equal(amount.read(0), 2);
  });
});

describe('bufferedAmount', () => {
  test('is payload in bytes of UTF-8, all of this task, and 0 in a later one', async (t) => {
    const { target } = await serve(t);
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
    let expected = 0;
    for (const [data, size] of [
      ['hello', 5],
      ['', 0],
      ['héllo', 6],
      ['\u4e16\u754c', 6],
      ['😀', 4],
      ['\ud800', 3],
      [new Uint8Array(10).subarray(2, 5), 3],
      [new ArrayBuffer(11), 11],
      [new DataView(new ArrayBuffer(11), 4, 2), 2],
      [new Blob(['blob']), 4],
      ['behind the Blob', 15],
      [new Uint8Array(200_000), 200_000],
    ] as const) {
      socket.send(data);
      expected += size;
      assert.equal(socket.bufferedAmount, expected);
    }
    // Microtasks belong to the same task.
    await Promise.resolve();
    assert.equal(socket.bufferedAmount, expected);
    await until(() => socket.bufferedAmount === 0);
  });

  test('is 0 again when a server has answered, message for message', async (t) => {
    const { target } = await serve(t, { message: (c, data) => void c.send(data) });
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
    for (let i = 0; i < 10; i++) {
      socket.send('hello');
      assert.equal(socket.bufferedAmount, 5);
      await next(socket, 'message');
      await until(() => socket.bufferedAmount === 0);
    }
  });

  test('stays while the server does not read, falls when it does, and never grows by itself', async (t) => {
    let read!: () => void;
    const url = await rawServer(t, ({ socket, accepted }) => {
      socket.pause().write(accepted());
      read = () => void socket.resume();
    });
    const socket = await openTo(t, url, [], { writeTimeout: 0, pingInterval: 0, closeTimeout: 100 });
    const PARTS = 100;
    const SIZE = 300_000;
    for (let i = 0; i < PARTS; i++) socket.send(new Uint8Array(SIZE));
    assert.equal(socket.bufferedAmount, PARTS * SIZE);
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
    const held = socket.bufferedAmount;
    assert.ok(held > 0 && held < PARTS * SIZE, `${held} bytes: what the kernel took is not counted`);
    socket.send('more');
    assert.equal(socket.bufferedAmount, held + 4);
    read();
    let last = socket.bufferedAmount;
    let steps = 0;
    await until(() => {
      const now = socket.bufferedAmount;
      assert.ok(now <= last, `it grew from ${last} to ${now}`);
      if (now < last) steps++;
      last = now;
      return now === 0;
    });
    assert.ok(steps > 2, `it fell in ${steps} steps`);
  });

  test('compressed messages count uncompressed in their task, and not at all when they are gone', async (t) => {
    const { target } = await serve(t, { compression: true });
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`, [], { compression: true });
    socket.send('x'.repeat(100_000));
    socket.send('x'.repeat(2000));
    assert.equal(socket.bufferedAmount, 102_000);
    await until(() => socket.bufferedAmount === 0);
  });

  test('grows by what is sent once closing has begun, and never shrinks after that', async (t) => {
    const { target } = await serve(t);
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
    socket.close();
    socket.send('hello');
    assert.equal(socket.bufferedAmount, 5);
    socket.send(new Blob(['blob']));
    assert.equal(socket.bufferedAmount, 9);
    await next(socket, 'close');
    assert.equal(socket.bufferedAmount, 9);
    socket.send(new Uint8Array(3));
    assert.equal(socket.bufferedAmount, 12);
    await new Promise(setImmediate);
    assert.equal(socket.bufferedAmount, 12);
  });

  test('what was sent before a close that is clean is transmitted', async (t) => {
    const { target } = await serve(t);
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
    socket.send('x'.repeat(500_000));
    socket.close();
    assert.equal(socket.bufferedAmount, 500_000);
    await next(socket, 'close');
    assert.equal(socket.bufferedAmount, 0);
  });

  test('does not fall to 0 because the connection is lost', async (t) => {
    let cut!: () => void;
    const url = await rawServer(t, ({ socket, accepted }) => {
      socket.pause().write(accepted());
      cut = () => void socket.resetAndDestroy();
    });
    const socket = await openTo(t, url);
    socket.send(new Uint8Array(30_000_000));
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
    assert.ok(socket.bufferedAmount > 0);
    cut();
    await next(socket, 'close');
    const { bufferedAmount } = socket;
    assert.ok(bufferedAmount > 0);
    socket.send('more');
    assert.equal(socket.bufferedAmount, bufferedAmount + 4);
  });
});
