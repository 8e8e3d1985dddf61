import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { WebSocket } from '@pulsebeacon/websocket';
import { collectGarbage } from '../support/memory.ts';
import { Log, serve } from '../support/servers.ts';
import { next, turn, until } from './support.ts';

// https://websockets.spec.whatwg.org/#garbage-collection

/** A WebSocket that nobody holds, with a listener for each event; what it says is in the log. */
function unheld(url: string, log: Log, types = ['open', 'message', 'error', 'close']): WeakRef<WebSocket> {
  const socket = new WebSocket(url);
  for (const type of types) socket.addEventListener(type, () => log.add(type));
  return new WeakRef(socket);
}

async function collect(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await turn();
    collectGarbage();
  }
}

describe('a WebSocket that the program does not hold', () => {
  test('is there while CONNECTING, OPEN and CLOSING, for those who listen', async (t: TestContext) => {
    let send!: (data: string) => void;
    let close!: () => void;
    const { target } = await serve(t, {
      open: (c) => {
        send = (data) => void c.send(data);
        close = () => c.close();
      },
    });
    const log = new Log();
    unheld(`ws://127.0.0.1:${target}/`, log);
    await collect();
    await log.has('open');
    await collect();
    send('hello');
    await log.has('message');
    await collect();
    close();
    await log.has('close');
  });

  test('is there until what it has queued is transmitted', async (t) => {
    const received = new Log();
    const { target } = await serve(t, {
      maxMessageSize: 20_000_000,
      message: (_, data) => received.add(String(data.length)),
    });
    let socket: WebSocket | undefined = new WebSocket(`ws://127.0.0.1:${target}/`);
    t.after(() => held.deref()?.close());
    const held = new WeakRef(socket);
    await next(socket, 'open');
    socket.send(new Uint8Array(10_000_000));
    socket.send(new Blob([new Uint8Array(5_000_000)]));
    socket = undefined;
    await collect();
    await received.has('5000000');
  });

  test('is collected once it is closed', async (t) => {
    const { target } = await serve(t, { open: (c) => (c.send('hello'), c.close()) });
    const log = new Log();
    const held = unheld(`ws://127.0.0.1:${target}/`, log);
    await log.has('close');
    await until(() => {
      collectGarbage();
      return held.deref() === undefined;
    });
  });

  test('is collected when it could not connect', async () => {
    const log = new Log();
    const held = unheld('ws://127.0.0.1:9/', log);
    await log.has('close');
    await until(() => {
      collectGarbage();
      return held.deref() === undefined;
    });
    assert.deepEqual(log.lines, ['error', 'close']);
  });

  test('is collected when it was closed while CONNECTING', async (t) => {
    const { target } = await serve(t);
    const log = new Log();
    const held = unheld(`ws://127.0.0.1:${target}/`, log);
    held.deref()!.close();
    await log.has('close');
    await until(() => {
      collectGarbage();
      return held.deref() === undefined;
    });
  });
});
