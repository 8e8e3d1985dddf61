import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { types } from 'node:util';
import { WebSocket } from '@pulsebeacon/websocket';
import { serve } from '../support/servers.ts';
import { next, openTo, socketTo } from './support.ts';

// https://websockets.spec.whatwg.org/#interface-definition, as https://webidl.spec.whatwg.org/ has it for JavaScript.

const CONSTANTS = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };
const READ_ONLY = ['url', 'readyState', 'bufferedAmount', 'extensions', 'protocol'];
const HANDLERS = ['onopen', 'onerror', 'onclose', 'onmessage'] as const;
const WRITABLE = [...HANDLERS, 'binaryType'];
const METHODS = { send: 1, close: 0 };

const anything = (value: unknown): never => value as never;
const descriptorOf = (name: string) => Object.getOwnPropertyDescriptor(WebSocket.prototype, name)!;

/** Nobody is connected to. */
function unconnected(): WebSocket {
  const socket = new WebSocket('ws://127.0.0.1:9/');
  socket.close();
  return socket;
}

describe('the interface object', () => {
  test('extends EventTarget', () => {
    assert.equal(Object.getPrototypeOf(WebSocket), EventTarget);
    assert.equal(Object.getPrototypeOf(WebSocket.prototype), EventTarget.prototype);
    assert.ok(unconnected() instanceof EventTarget);
  });

  test('has name, length and prototype', () => {
    assert.equal(WebSocket.name, 'WebSocket');
    assert.equal(WebSocket.length, 1);
    const { writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(WebSocket, 'prototype')!;
    assert.deepEqual(
      { writable, enumerable, configurable },
      { writable: false, enumerable: false, configurable: false },
    );
  });

  test('is `constructor` of the prototype, not enumerable', () => {
    const constructor = { value: WebSocket, writable: true, enumerable: false, configurable: true };
    assert.deepEqual(descriptorOf('constructor'), constructor);
  });

  test('can be extended', () => {
    class Mine extends WebSocket {}
    const socket = new Mine('ws://127.0.0.1:9/');
    socket.close();
    assert.ok(socket instanceof WebSocket);
    assert.equal(socket.readyState, Mine.CLOSING);
  });
});

describe('constants', () => {
  for (const [name, value] of Object.entries(CONSTANTS)) {
    test(`${name} is ${value}, on the interface and on its prototype, for ever`, () => {
      const descriptor = { value, writable: false, enumerable: true, configurable: false };
      assert.deepEqual(Object.getOwnPropertyDescriptor(WebSocket, name), descriptor);
      assert.deepEqual(descriptorOf(name), descriptor);
      assert.equal(unconnected()[name as keyof typeof CONSTANTS], value);
    });
  }
});

describe('the prototype', () => {
  test('has these members, and no others', () => {
    const expected = [...Object.keys(CONSTANTS), ...READ_ONLY, ...WRITABLE, ...Object.keys(METHODS), 'constructor'];
    assert.deepEqual(Object.getOwnPropertyNames(WebSocket.prototype).sort(), expected.sort());
    assert.deepEqual(Object.getOwnPropertySymbols(WebSocket.prototype), [Symbol.toStringTag]);
  });

  test('has a class string', () => {
    const tag = { value: 'WebSocket', writable: false, enumerable: false, configurable: true };
    assert.deepEqual(Object.getOwnPropertyDescriptor(WebSocket.prototype, Symbol.toStringTag), tag);
    assert.equal(String(unconnected()), '[object WebSocket]');
    assert.equal(Object.prototype.toString.call(WebSocket.prototype), '[object WebSocket]');
  });

  test('all members are enumerable, so that `for in` sees them on an object', () => {
    const seen: string[] = [];
    for (const name in unconnected()) seen.push(name);
    for (const name of [...Object.keys(CONSTANTS), ...READ_ONLY, ...WRITABLE, ...Object.keys(METHODS)]) {
      assert.ok(seen.includes(name), name);
    }
  });

  test('the object has no members of its own that a program would meet', () => {
    assert.deepEqual(Object.keys(unconnected()), []);
  });

  for (const name of [...READ_ONLY, ...WRITABLE]) {
    test(`${name} is an accessor, ${READ_ONLY.includes(name) ? 'read-only' : 'to be set'}`, () => {
      const { get, set, enumerable, configurable } = descriptorOf(name);
      assert.equal(get!.name, `get ${name}`);
      assert.equal(get!.length, 0);
      assert.equal(set?.name, READ_ONLY.includes(name) ? undefined : `set ${name}`);
      assert.equal(set?.length, READ_ONLY.includes(name) ? undefined : 1);
      assert.deepEqual([enumerable, configurable], [true, true]);
    });

    test(`${name} is for a WebSocket only`, () => {
      const { get, set } = descriptorOf(name);
      for (const receiver of [
        undefined,
        null,
        {},
        WebSocket.prototype,
        new EventTarget(),
        Object.create(unconnected()),
      ]) {
        assert.throws(() => Reflect.apply(get!, receiver, []), TypeError);
        if (set !== undefined) assert.throws(() => Reflect.apply(set, receiver, [null]), TypeError);
      }
    });
  }

  for (const [name, length] of Object.entries(METHODS)) {
    test(`${name} is a method with ${length} required arguments`, () => {
      const { value, writable, enumerable, configurable } = descriptorOf(name);
      assert.equal(value.name, name);
      assert.equal(value.length, length);
      assert.deepEqual([writable, enumerable, configurable], [true, true, true]);
      assert.throws(() => Reflect.construct(value, []), TypeError);
    });

    test(`${name} is for a WebSocket only`, () => {
      for (const receiver of [undefined, null, {}, WebSocket.prototype, new EventTarget()]) {
        assert.throws(() => Reflect.apply(descriptorOf(name).value, receiver, ['data']), TypeError);
      }
    });
  }

  test('a read-only attribute cannot be set: strict code gets a TypeError, and nothing changes', () => {
    const socket = unconnected();
    for (const name of READ_ONLY) {
      const before = socket[name as 'url'];
      assert.throws(() => Object.assign(socket, { [name]: 'changed' }), TypeError);
      assert.equal(socket[name as 'url'], before);
    }
  });
});

describe('attributes of a new object', () => {
  test('have their first values', () => {
    const socket = new WebSocket('ws://127.0.0.1:9/');
    const { readyState, bufferedAmount, extensions, protocol, binaryType } = socket;
    assert.deepEqual([readyState, bufferedAmount, extensions, protocol, binaryType], [0, 0, '', '', 'blob']);
    for (const name of HANDLERS) assert.equal(socket[name], null);
    socket.close();
  });
});

describe('binaryType', () => {
  test('is set to a value of the enumeration', () => {
    const socket = unconnected();
    socket.binaryType = 'arraybuffer';
    assert.equal(socket.binaryType, 'arraybuffer');
    socket.binaryType = anything({ toString: () => 'blob' });
    assert.equal(socket.binaryType, 'blob');
  });

  test('another value changes nothing, and nothing is thrown', () => {
    const socket = unconnected();
    socket.binaryType = 'arraybuffer';
    for (const value of ['', 'Blob', 'nodebuffer', 'blob ', null, undefined, 0, {}]) {
      socket.binaryType = anything(value);
      assert.equal(socket.binaryType, 'arraybuffer');
    }
  });

  test('what cannot be a string is a TypeError', () => {
    const socket = unconnected();
    assert.throws(() => {
      socket.binaryType = anything(Symbol('type'));
    }, TypeError);
  });
});

// https://html.spec.whatwg.org/#event-handler-idl-attributes
describe('event handler attributes', () => {
  for (const name of HANDLERS) {
    test(`${name} keeps a function, and is null after what is no object`, () => {
      const socket = unconnected();
      const handler = (): void => {};
      for (const value of [null, undefined, 0, 1, '', ';', true, Symbol('x'), 1n]) {
        socket[name] = handler;
        assert.equal(socket[name], handler);
        socket[name] = anything(value);
        assert.equal(socket[name], null);
      }
    });

    test(`${name} keeps an object that cannot be called, and does not call it ([LegacyTreatNonObjectAsNull])`, () => {
      const socket = unconnected();
      const object = { handleEvent: () => assert.fail('an event handler is no event listener') };
      socket[name] = anything(object);
      assert.equal(socket[name], object);
      socket.dispatchEvent(new Event(name.slice(2)));
    });

    test(`${name} is called with the event, and the WebSocket as this`, () => {
      const socket = unconnected();
      const event = new Event(name.slice(2));
      const calls: unknown[] = [];
      socket[name] = function (this: unknown, ...args: unknown[]) {
        calls.push(this, ...args);
      };
      socket.dispatchEvent(event);
      assert.deepEqual(calls, [socket, event]);
    });
  }

  test('a handler has its place among the listeners from when it was first set', () => {
    const socket = unconnected();
    const calls: string[] = [];
    const note = (what: string) => () => void calls.push(what);
    socket.addEventListener('message', note('listener 1'));
    socket.onmessage = note('never called');
    socket.addEventListener('message', note('listener 2'));
    socket.onmessage = note('handler');
    socket.dispatchEvent(new Event('message'));
    assert.deepEqual(calls.splice(0), ['listener 1', 'handler', 'listener 2']);
    socket.onmessage = null;
    socket.dispatchEvent(new Event('message'));
    assert.deepEqual(calls.splice(0), ['listener 1', 'listener 2']);
    socket.onmessage = note('handler');
    socket.dispatchEvent(new Event('message'));
    assert.deepEqual(calls, ['listener 1', 'listener 2', 'handler']);
  });

  test('a handler and a listener may be the same function: both are called', () => {
    const socket = unconnected();
    let calls = 0;
    const both = (): void => void calls++;
    socket.addEventListener('open', both);
    socket.onopen = both;
    socket.dispatchEvent(new Event('open'));
    assert.equal(calls, 2);
    socket.removeEventListener('open', both);
    assert.equal(socket.onopen, both);
    socket.dispatchEvent(new Event('open'));
    assert.equal(calls, 3);
  });

  test('each has its own: one attribute does not change another', () => {
    const socket = unconnected();
    const other = unconnected();
    const handler = (): void => {};
    socket.onopen = handler;
    assert.deepEqual([socket.onerror, socket.onclose, socket.onmessage, other.onopen], [null, null, null, null]);
  });

  test('a handler that returns false cancels the event; any other value does not', () => {
    const socket = unconnected();
    for (const [value, isDispatched] of [
      [false, false],
      [undefined, true],
      [null, true],
      [0, true],
      [true, true],
    ] as const) {
      socket.onmessage = () => value;
      assert.equal(socket.dispatchEvent(new Event('message', { cancelable: true })), isDispatched);
    }
  });
});

describe('as globalThis.WebSocket', () => {
  test('a program that is written for browsers runs', async (t) => {
    const { target } = await serve(t, { message: (c, data) => void c.send(data) });
    const before = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
    t.after(() => {
      if (before === undefined) Reflect.deleteProperty(globalThis, 'WebSocket');
      else Object.defineProperty(globalThis, 'WebSocket', before);
    });
    Object.assign(globalThis, { WebSocket });
    const answered = new Promise((resolve) => {
      const Global = (globalThis as unknown as { WebSocket: typeof WebSocket }).WebSocket;
      const socket = new Global(`ws://127.0.0.1:${target}/`);
      t.after(() => socket.close());
      socket.onopen = () => socket.send('hello');
      socket.onmessage = (event) => resolve(event.data);
    });
    assert.equal(await answered, 'hello');
  });

  test('the events have the classes of Node where it has them', async (t) => {
    const { target } = await serve(t, { open: (c) => (c.send('hello'), c.close(4000)) });
    const socket = socketTo(t, `ws://127.0.0.1:${target}/`);
    const [open, message, close] = await Promise.all([
      next(socket, 'open'),
      next(socket, 'message'),
      next(socket, 'close'),
    ]);
    assert.equal(Object.getPrototypeOf(open), Event.prototype);
    assert.ok(message instanceof MessageEvent);
    assert.ok(close instanceof Event);
    assert.equal(close.constructor.name, 'CloseEvent');
    const { CloseEvent: Global } = globalThis as { CloseEvent?: new () => object };
    if (Global !== undefined) assert.ok(close instanceof Global);
    for (const event of [open, message, close]) {
      const { target: origin, bubbles, cancelable, composed } = event;
      assert.deepEqual([origin, bubbles, cancelable, composed], [socket, false, false, false]);
    }
  });

  test('a message is a plain value: no proxy, no Buffer', async (t) => {
    const { target } = await serve(t, { message: (c, data) => void c.send(data) });
    const socket = await openTo(t, `ws://127.0.0.1:${target}/`);
    socket.binaryType = 'arraybuffer';
    socket.send(Uint8Array.of(1, 2, 3));
    const { data } = await next(socket, 'message');
    assert.ok(types.isArrayBuffer(data) && !types.isProxy(data));
  });
});
