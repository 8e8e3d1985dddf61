// What a browser tells of the network and of who looks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchSurroundings } from '#dist/connection/surroundings.js';

test('the network is back, the page is seen again: it is told, until nobody wants to hear it', (t) => {
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
  const fakes = {
    document,
    addEventListener: window.addEventListener.bind(window),
  };
  for (const [name, value] of Object.entries(fakes)) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true });
    t.after(() => {
      if (before === undefined) Reflect.deleteProperty(globalThis, name);
      else Object.defineProperty(globalThis, name, before);
    });
  }
  const told: string[] = [];
  const stop = watchSurroundings({
    wake: (reason) => told.push(reason),
    networkChanged: (reason) => told.push(reason),
  });
  window.dispatchEvent(new Event('online'));
  document.dispatchEvent(new Event('visibilitychange'));
  assert.deepEqual(told, ['the network is back']);
  document.visibilityState = 'visible';
  document.dispatchEvent(new Event('visibilitychange'));
  window.dispatchEvent(new Event('pageshow'));
  assert.deepEqual(told.splice(1), ['the page is seen again', 'the page is seen again']);
  stop();
  window.dispatchEvent(new Event('online'));
  document.dispatchEvent(new Event('visibilitychange'));
  assert.equal(told.length, 1);
});

test('where there is no page, there is nothing to hear', () => {
  watchSurroundings({ wake: () => assert.fail(), networkChanged: () => assert.fail() })();
});
