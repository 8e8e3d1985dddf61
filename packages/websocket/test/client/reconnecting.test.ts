import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import {
  ClosedError,
  HandshakeError,
  ReconnectingConnection,
  type ReconnectingOptions,
  Refusal,
  type Retry,
  UsageError,
} from '@pulsebeacon/websocket';
import { rawServer } from '../support/raw-server.ts';
import { Log, serve } from '../support/servers.ts';

/** As new; the connection ends with the test. Waits are short, and so are those that a server asks for. */
function reconnecting(
  t: TestContext,
  url: ConstructorParameters<typeof ReconnectingConnection>[0],
  options: ReconnectingOptions<unknown> = {},
): ReconnectingConnection<unknown> {
  const link = new ReconnectingConnection<unknown>(url, { firstDelay: 20, maxDelay: 40, ...options });
  link.finished.catch(() => {});
  t.after(() => {
    link.close();
    link.connection?.terminate();
  });
  return link;
}

describe('a connection that comes back', () => {
  test('after the server cut it, with its handlers', async (t) => {
    const { server, target } = await serve(t, { message: (c, data) => void c.send(data) });
    const log = new Log();
    const link = reconnecting(t, `ws://127.0.0.1:${target}/`, {
      open: (c) => {
        log.add('open');
        c.send('here');
      },
      message: (_, data) => log.add(String(data)),
      close: (_, code) => log.add(`close ${code}`),
      retry: ({ attempt, closeCode }) => log.add(`retry ${attempt} after ${closeCode}`),
    });
    assert.equal(link.state, 'connecting');
    assert.equal(link.send('early'), 'closed');
    await log.has('here');
    assert.equal(link.state, 'open');
    for (const connection of server.connections) connection.terminate();
    await log.has('here', 2);
    assert.deepEqual(log.lines, ['open', 'here', 'close 1006', 'retry 1 after 1006', 'open', 'here']);
    assert.equal(link.send('again'), 'sent');
    await log.has('again');
    link.close(1000, 'enough');
    await link.finished;
    assert.equal(link.state, 'closed');
    assert.equal(log.lines.at(-1), 'close 1000');
  });

  test('when the server was not there yet; the URL is asked for each time', async (t) => {
    const { target } = await serve(t);
    let asked = 0;
    const retries: Retry[] = [];
    const log = new Log();
    reconnecting(t, async () => (++asked < 3 ? 'ws://127.0.0.1:1/' : new URL(`ws://127.0.0.1:${target}/`)), {
      retry: (retry) => void retries.push(retry),
      open: () => log.add('open'),
    });
    await log.has('open');
    assert.deepEqual(
      retries.map(({ attempt, error }) => [attempt, (error as HandshakeError).code]),
      [
        [1, 'PB_CONNECT_REFUSED'],
        [2, 'PB_CONNECT_REFUSED'],
      ],
    );
    assert.ok(retries.every(({ delay }) => delay <= 40));
  });

  test('Retry-After is honoured', async (t) => {
    const { target } = await serve(t, { maxConnections: 0, retryAfter: 5 });
    const retry = await new Promise<Retry>((resolve) => {
      reconnecting(t, `ws://127.0.0.1:${target}/`, { retry: resolve });
    });
    assert.ok(retry.delay >= 5000 && retry.delay <= 5020, String(retry.delay));
  });

  test('1012 and 1013 are honoured', async (t) => {
    for (const code of [1012, 1013]) {
      const { target } = await serve(t, { open: (c) => c.close(code) });
      const retry = await new Promise<Retry>((resolve) => {
        reconnecting(t, `ws://127.0.0.1:${target}/`, { retry: resolve });
      });
      assert.ok(retry.delay >= 5000 && retry.delay <= 30_000, String(retry.delay));
      assert.equal(retry.closeCode, code);
    }
  });
});

describe('what will never work is not tried again', () => {
  for (const status of [401, 403, 404, 426]) {
    test(`${status}`, async (t) => {
      const url = await rawServer(t, ({ socket }) => {
        socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
      });
      const link = reconnecting(t, url, { retry: () => assert.fail('it tries again') });
      await assert.rejects(link.finished, { name: 'HandshakeError', status });
      assert.equal(link.state, 'closed');
    });
  }

  test('a close code that says so', async (t) => {
    const { target } = await serve(t, { open: (c) => c.close(1008, 'not you') });
    const link = reconnecting(t, `ws://127.0.0.1:${target}/`);
    const error = await link.finished.then(
      () => assert.fail(),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ClosedError);
    assert.deepEqual([error.closeCode, error.reason, error.code], [1008, 'not you', 'PB_CONNECT_GIVEN_UP']);
    assert.match(error.message, /1008 \(not you\)/);
  });

  test('1000 is the end, and a good one', async (t) => {
    const { target } = await serve(t, { open: (c) => c.close(1000) });
    await reconnecting(t, `ws://127.0.0.1:${target}/`).finished;
  });

  test('a server that breaks the protocol', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => {
      socket.write(Buffer.concat([Buffer.from(accepted()), Buffer.of(0x81, 0x80, 1, 2, 3, 4)]));
    });
    await assert.rejects(reconnecting(t, url).finished, { code: 'PB_FRAME_MASKED' });
  });

  test('too many failures, and a Retry-After that is too long', async (t) => {
    const none = reconnecting(t, 'ws://127.0.0.1:1/', { maxAttempts: 2 });
    await assert.rejects(none.finished, { code: 'PB_CONNECT_REFUSED' });
    const { target } = await serve(t, { maxConnections: 0, retryAfter: 61 });
    const busy = reconnecting(t, `ws://127.0.0.1:${target}/`, { maxRetryAfter: 60 });
    await assert.rejects(busy.finished, { status: 503, retryAfter: 61 });
  });

  test('a mistake in the options', async (t) => {
    await assert.rejects(reconnecting(t, 'ftp://x/').finished, { code: 'PB_URI_INVALID' });
    await assert.rejects(reconnecting(t, () => Promise.reject(new Error('no token'))).finished, /no token/);
    assert.throws(() => new ReconnectingConnection('ws://x/', { firstDelay: -1 }), UsageError);
    assert.throws(() => new ReconnectingConnection('ws://x/', { maxAttempts: 0.5 }), UsageError);
  });

  test('unless the application knows better', async (t) => {
    let refusals = 0;
    const { target } = await serve(t, {
      authorize: () => (++refusals < 3 ? new Refusal(403, { code: 'NO' }) : undefined),
    });
    const log = new Log();
    reconnecting(t, `ws://127.0.0.1:${target}/`, { shouldRetry: () => true, open: () => log.add('open') });
    await log.has('open');
    assert.equal(refusals, 3);
  });
});

describe('what the application throws', () => {
  test('in shouldRetry and retry ends it, and says so', async (t) => {
    const fault = new Error('a fault');
    const throws = (): never => {
      throw fault;
    };
    await assert.rejects(reconnecting(t, 'ws://127.0.0.1:1/', { shouldRetry: throws }).finished, fault);
    await assert.rejects(reconnecting(t, 'ws://127.0.0.1:1/', { retry: throws }).finished, fault);
    for (const name of ['shouldRetry', 'retry']) {
      assert.throws(() => new ReconnectingConnection('ws://x/', { [name]: 5 }), { code: 'PB_OPTION_INVALID' });
    }
  });

  test('in close does not keep it from its end', async (t) => {
    const { target } = await serve(t, { open: (c) => c.close(1000) });
    const errors: unknown[] = [];
    const link = reconnecting(t, `ws://127.0.0.1:${target}/`, {
      close: () => {
        throw new Error('a fault');
      },
      error: (_, error) => void errors.push((error.cause as Error).message),
    });
    await link.finished;
    assert.deepEqual([link.state, errors], ['closed', ['a fault']]);
  });
});

describe('closing for good', () => {
  test('inside shouldRetry', async (t) => {
    let asked = 0;
    const link = reconnecting(t, 'ws://127.0.0.1:1/', {
      shouldRetry: () => {
        asked++;
        link.close();
        return true;
      },
    });
    await link.finished;
    assert.deepEqual([asked, link.state], [1, 'closed']);
  });

  test('a signal that many share is left alone at the end', async (t) => {
    const { target } = await serve(t, { open: (c) => c.close(1000) });
    const { signal } = new AbortController();
    for (let i = 0; i < 3; i++) await reconnecting(t, `ws://127.0.0.1:${target}/`, { signal }).finished;
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  test('while connecting, while waiting, and by the signal', async (t) => {
    const silent = await rawServer(t, () => {});
    const connecting = reconnecting(t, silent);
    connecting.close();
    connecting.close();
    await connecting.finished;
    const waiting = reconnecting(t, 'ws://127.0.0.1:1/', { firstDelay: 100_000, retry: () => waiting.close() });
    await waiting.finished;
    const controller = new AbortController();
    const aborted = reconnecting(t, silent, { signal: controller.signal });
    controller.abort();
    await aborted.finished;
    await reconnecting(t, silent, { signal: AbortSignal.abort() }).finished;
  });
});
