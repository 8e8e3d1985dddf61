// A device that was asleep: its timers run late, and clocks have gone on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '#dist/connection/connection.js';
import { resolveOptions } from '#dist/options.js';
import type { SocketEvent } from '@pulsebeacon/client';

const WELCOME = {
  type: 'welcome',
  version: 1,
  client: 'c',
  session: 's',
  expiresIn: 3_600_000,
  heartbeat: 3000,
};

test('it is back at once, beside a connection that may be dead, and waits for nothing', (t) => {
  let now = 0;
  let timer = (): void => {};
  let due = Infinity;
  t.mock.method(Date, 'now', () => now);
  t.mock.method(performance, 'now', () => now);
  t.mock.method(globalThis, 'setTimeout', (callback: () => void, ms: number) => {
    timer = callback;
    due = now + ms;
  });
  t.mock.method(globalThis, 'clearTimeout', () => (due = Infinity));
  const sockets: Socket[] = [];
  class Socket {
    readonly bufferedAmount = 0;
    isClosed = false;
    readonly sent: string[] = [];
    private readonly listeners = new Map<string, (event: SocketEvent) => void>();
    constructor() {
      sockets.push(this);
    }
    addEventListener(type: string, listener: (event: SocketEvent) => void): void {
      this.listeners.set(type, listener);
    }
    send(data: string): void {
      this.sent.push(data);
    }
    close(): void {
      this.isClosed = true;
    }
    tell(type: string, event: SocketEvent = {}): void {
      this.listeners.get(type)!(event);
    }
    welcome(): void {
      this.tell('open');
      this.tell('message', { data: JSON.stringify(WELCOME) });
    }
  }
  const states: string[] = [];
  const settings = resolveOptions('http://example.com', { WebSocket: Socket, transports: ['websocket'] });
  const connection = new Connection(settings, {
    subscribes: () => [],
    onMessage: () => {},
    onState: () => states.push(connection.machine.reason),
    onLink: () => {},
    onStopped: () => assert.fail(),
  });
  connection.start();
  sockets[0]!.welcome();
  assert.equal(connection.machine.state, 'online');
  // No timer is set for longer than it takes to notice soon.
  assert(due - now <= 2500);
  now += 3_000_000;
  timer();
  assert.equal(sockets.length, 2, 'another one is opened at once');
  assert.equal(sockets[0]!.isClosed, false, 'and what there was stays until then');
  sockets[1]!.welcome();
  assert.equal(sockets[0]!.isClosed, true);
  assert.deepEqual(states, ['connected by websocket']);

  sockets[1]!.tell('close', { code: 1006 });
  assert.equal(connection.machine.state, 'recovering');
  now += 20_000;
  timer();
  assert.equal(sockets.length, 3);
  assert.equal(connection.machine.reason, 'the device was asleep');
  connection.stop('closed');
});
