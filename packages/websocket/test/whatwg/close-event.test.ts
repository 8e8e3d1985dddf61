import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OwnCloseEvent as CloseEvent } from '#dist/node/whatwg/close-event.js';

// https://websockets.spec.whatwg.org/#the-closeevent-interface: ours, for where Node has none. (Node's takes -1 for an
// unsigned short; what we fire are values that need no conversion.)

const anything = (value: unknown): never => value as never;

describe('CloseEvent', () => {
  test('extends Event', () => {
    const event = new CloseEvent('close');
    assert.ok(event instanceof Event);
    assert.equal(Object.getPrototypeOf(CloseEvent), Event);
    assert.deepEqual([CloseEvent.name, CloseEvent.length], ['CloseEvent', 1]);
    assert.equal(String(event), '[object CloseEvent]');
    assert.deepEqual([event.type, event.bubbles, event.cancelable, event.composed], ['close', false, false, false]);
  });

  test('has these values unless told otherwise', () => {
    for (const init of [undefined, {}, null]) {
      const { wasClean, code, reason } = new CloseEvent('close', anything(init));
      assert.deepEqual([wasClean, code, reason], [false, 0, '']);
    }
  });

  test('has the values that it is given', () => {
    const init = { wasClean: true, code: 4321, reason: 'over', bubbles: true, cancelable: true, composed: true };
    const event = new CloseEvent('other', init);
    const { type, wasClean, code, reason, bubbles, cancelable, composed } = event;
    assert.equal(type, 'other');
    assert.deepEqual({ wasClean, code, reason, bubbles, cancelable, composed }, init);
  });

  test('converts them: boolean, unsigned short modulo 2^16, USVString', () => {
    for (const [given, code] of [
      [65_536, 0],
      [65_537, 1],
      [-1, 65_535],
      [1000.9, 1000],
      ['0x10', 16],
      [Number.NaN, 0],
      [Infinity, 0],
      [null, 0],
      [undefined, 0],
      [2 ** 32 + 7, 7],
    ]) {
      assert.equal(new CloseEvent('close', anything({ code: given })).code, code);
    }
    const { wasClean, reason } = new CloseEvent('close', anything({ wasClean: 'yes', reason: '\ud800x' }));
    assert.deepEqual([wasClean, reason], [true, '\ufffdx']);
    assert.equal(new CloseEvent('close', anything({ reason: null })).reason, 'null');
    assert.equal(new CloseEvent(anything(null)).type, 'null');
  });

  test('a conversion that cannot be is a TypeError', () => {
    assert.throws(() => Reflect.construct(CloseEvent, []), TypeError);
    assert.throws(() => new CloseEvent(anything(Symbol('type'))), TypeError);
    assert.throws(() => new CloseEvent('close', anything(1)), TypeError);
    assert.throws(() => new CloseEvent('close', anything({ code: Symbol('code') })), TypeError);
    assert.throws(() => new CloseEvent('close', anything({ code: 1n })), TypeError);
    assert.throws(() => new CloseEvent('close', anything({ reason: Symbol('reason') })), TypeError);
  });

  test('attributes are enumerable, read-only, and for a CloseEvent only', () => {
    for (const name of ['wasClean', 'code', 'reason']) {
      const { get, set, enumerable, configurable } = Object.getOwnPropertyDescriptor(CloseEvent.prototype, name)!;
      assert.deepEqual([set, enumerable, configurable], [undefined, true, true]);
      assert.throws(() => Reflect.apply(get!, new Event('close'), []), TypeError);
    }
  });

  test('can be dispatched', () => {
    const target = new EventTarget();
    const event = new CloseEvent('close');
    let seen: unknown;
    target.addEventListener('close', (received) => (seen = received));
    target.dispatchEvent(event);
    assert.equal(seen, event);
  });
});

test('the dictionary is read in the order of Web IDL: inherited members, then by name', () => {
  const read: string[] = [];
  const init = new Proxy({}, { get: (_, name) => void read.push(String(name)) });
  assert.doesNotThrow(() => new CloseEvent('close', init));
  assert.deepEqual(read, ['bubbles', 'cancelable', 'composed', 'code', 'reason', 'wasClean']);
});

test('a function is an object, and may be a dictionary', () => {
  assert.equal(new CloseEvent('close', anything(Object.assign(() => {}, { code: 1 }))).code, 1);
});
