import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { type ClientConnection, connect, Refusal, type TraceEvent } from '@pulsebeacon/websocket';
import { failureOf, open } from '../support/connecting.ts';
import { TLS } from '../support/certificate.ts';
import { rawServer } from '../support/raw-server.ts';
import { listen, Log, serve, serveOn } from '../support/servers.ts';

const echo = {
  message: (c: { send(data: string | Uint8Array): unknown }, data: string | Uint8Array) => void c.send(data),
};

describe('connect', () => {
  test('messages go out and come back, as text and as bytes', async (t) => {
    const { target } = await serve(t, echo);
    const log = new Log();
    const connection = await open(t, `ws://127.0.0.1:${target}/`, {
      message: (_, data) => log.add(typeof data === 'string' ? data : Buffer.from(data).toString('hex')),
      close: (_, code, reason, wasClean) => log.add(`close ${code} ${reason} ${wasClean}`),
    });
    assert.equal(connection.url, `ws://127.0.0.1:${target}/`);
    assert.equal(connection.state, 'open');
    assert.equal(connection.send('héllo'), 'sent');
    assert.equal(connection.send(Uint8Array.of(1, 2, 255)), 'sent');
    await log.has('0102ff');
    connection.close(4000, 'enough');
    await log.has('close');
    assert.deepEqual(log.lines, ['héllo', '0102ff', 'close 4000  true']);
  });

  test('a large message comes back whole', async (t) => {
    const { target } = await serve(t, echo);
    const sent = new Uint8Array(1_000_000).map((_, i) => i * 7);
    const back = new Promise<Uint8Array>((resolve) => {
      void open(t, `ws://127.0.0.1:${target}/`, {
        open: (connection) => void connection.send(sent),
        message: (_, data) => resolve(data as Uint8Array),
      });
    });
    assert.deepEqual(await back, sent);
  });

  test('without a message handler, messages are pulled once the promise has resolved', async (t) => {
    const { target } = await serve(t, { open: (c) => void (c.send('one'), c.send('two'), c.close(1000)) });
    const connection = await open(t, `ws://127.0.0.1:${target}/`);
    const seen: unknown[] = [];
    for await (const message of connection.messages()) seen.push(message);
    assert.deepEqual(seen, ['one', 'two']);
  });

  test('what nobody has asked for is read and dropped, so that a close is noticed', async (t) => {
    const { target } = await serve(t, { open: (c) => void (c.send('one'), c.close(1000, 'done')) });
    const closed = new Promise((resolve) => {
      void open(t, `ws://127.0.0.1:${target}/`, { close: (_, code) => resolve(code) });
    });
    assert.equal(await closed, 1000);
  });

  test('what comes with the answer is not lost', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => {
      socket.write(Buffer.concat([Buffer.from(accepted()), Buffer.from([0x81, 2, 0x68, 0x69])]));
    });
    const message = new Promise((resolve) => {
      void open(t, url, { message: (_, data) => resolve(data) });
    });
    assert.equal(await message, 'hi');
  });

  test('more than both ends may queue goes to an echo and comes back: they do not wait for each other', async (t) => {
    const { target } = await serve(t, echo);
    let back = 0;
    let wake = (): void => {};
    const connection = await open(t, `ws://127.0.0.1:${target}/`, {
      message: (_, data) => {
        back += data.length;
        wake();
      },
    });
    const part = new Uint8Array(100_000);
    for (let i = 0; i < 400; i++) if (connection.send(part) === 'queued') await connection.drained();
    while (back < 40_000_000) await new Promise<void>((resolve) => (wake = resolve));
  });

  test('open is told the answer, and context is there from the start', async (t) => {
    const { target } = await serve(t, { authorize: () => ({ headers: { 'X-Greeting': 'hello' } }) });
    const told: unknown[] = [];
    await open(t, `ws://127.0.0.1:${target}/`, {
      context: { name: 'mine' },
      open: (connection, answer) => {
        told.push(
          connection.context,
          answer.status,
          answer.headers.get('x-greeting'),
          answer.remotePort,
          answer.secure,
        );
      },
    });
    assert.deepEqual(told, [{ name: 'mine' }, 101, 'hello', target, false]);
  });

  test('headers, subprotocols and origin go into the request', async (t) => {
    const seen: unknown[] = [];
    const { target } = await serve(t, {
      subprotocols: ['b'],
      allowedOrigins: ['https://example.com'],
      authorize: ({ headers, origin, subprotocols }) => {
        seen.push(headers.get('authorization'), headers.get('x-two'), origin, subprotocols);
      },
    });
    const connection = await open(t, `ws://127.0.0.1:${target}/`, {
      subprotocols: ['a', 'b'],
      origin: 'https://example.com',
      headers: { Authorization: 'Bearer x', 'X-Two': ['1', '2'] },
    });
    assert.equal(connection.protocol, 'b');
    assert.deepEqual(seen, ['Bearer x', '1, 2', 'https://example.com', ['a', 'b']]);
  });

  test('userinfo of the URL becomes Basic credentials, unless there are others', async (t) => {
    const seen: unknown[] = [];
    const { target } = await serve(t, {
      authorize: ({ headers }) => void seen.push(headers.get('authorization')),
    });
    const connection = await open(t, `ws://jo%40x:p%C3%A4ss%ZZ@127.0.0.1:${target}/`);
    assert.equal(connection.url, `ws://127.0.0.1:${target}/`);
    await open(t, `ws://jo:x@127.0.0.1:${target}/`, { headers: [['authorization', 'Bearer y']] });
    assert.deepEqual(seen, [`Basic ${Buffer.from('jo@x:päss%ZZ').toString('base64')}`, 'Bearer y']);
  });

  test('compression is agreed on, and used both ways', async (t) => {
    const { target } = await serve(t, { ...echo, compression: { threshold: 0 } });
    const frames: boolean[] = [];
    const text = 'x'.repeat(3000);
    const back = new Promise<ClientConnection<unknown>>((resolve, reject) => {
      open(t, `ws://127.0.0.1:${target}/`, {
        compression: { threshold: 0 },
        trace: (event) => void (event.type === 'frame' && frames.push(event.rsv1)),
        open: (connection) => void connection.send(text),
        message: (connection, data) => {
          assert.equal(data, text);
          resolve(connection);
        },
      }).catch(reject);
    });
    assert.match((await back).extensions, /^permessage-deflate/);
    assert.deepEqual(frames, [true, true]);
  });

  test('with takeover, later messages become smaller, and what was set aside is given back', async (t) => {
    const { target } = await serve(t, { ...echo, compression: { threshold: 0, takeover: true } });
    const sizes: number[] = [];
    const log = new Log();
    const connection = await open(t, `ws://127.0.0.1:${target}/`, {
      compression: { threshold: 0, takeover: true },
      trace: (event) => void (event.type === 'frame' && event.direction === 'out' && sizes.push(event.length)),
      message: () => log.add('message'),
    });
    const text = Buffer.from(Array.from({ length: 500 }, (_, i) => (i * 7919) % 251)).toString('base64');
    for (let i = 1; i <= 3; i++) {
      connection.send(text);
      await log.has('message', i);
    }
    assert.ok(sizes[1]! < sizes[0]! / 4, String(sizes));
  });

  test('trace is told both handshakes', async (t) => {
    const { target } = await serve(t);
    const events: TraceEvent[] = [];
    await open(t, `ws://127.0.0.1:${target}/a?b`, { trace: (event) => void events.push(event) });
    const [request, answer] = events;
    assert.equal(request!.type, 'request');
    assert.match(
      (request as { text: string }).text,
      /^GET \/a\?b HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n[^]*\r\n\r\n$/,
    );
    assert.equal(answer!.type, 'answer');
    assert.match((answer as { text: string }).text, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  });

  test('over TLS, with a certificate of one’s own', async (t) => {
    const { target } = await serve(t, echo, { port: 0, host: '127.0.0.1', tls: TLS });
    const back = new Promise((resolve, reject) => {
      open(t, `https://localhost:${target}/`, {
        tls: { ca: TLS.cert },
        socket: { family: 4 },
        open: (connection, { secure }) => {
          assert.equal(secure, true);
          connection.send('over TLS');
        },
        message: (_, data) => resolve(data),
      }).catch(reject);
    });
    assert.equal(await back, 'over TLS');
    const error = await failureOf(connect(`wss://localhost:${target}/`, { socket: { family: 4 } }));
    assert.equal(error.code, 'PB_CONNECT_TLS');
    assert.equal(error.retry, false);
    assert.match(error.message, /self-signed certificate.*tls\.ca/);
    assert.equal((error.cause as { code: string }).code, 'DEPTH_ZERO_SELF_SIGNED_CERT');
  });

  test('over a Unix socket, by URL and by option', async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'pb-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'a b.sock');
    const seen: string[] = [];
    await serve(
      t,
      { authorize: ({ path, query, host }) => void seen.push(`${host} ${path} ${query}`) },
      { path: file },
    );
    await open(t, `ws+unix:${file.replace(' ', '%20')}:/chat?x=1`);
    await open(t, `ws+unix:${file}`);
    await open(t, 'ws://service/other', { socketPath: file });
    assert.deepEqual(seen, ['localhost /chat x=1', 'localhost / undefined', 'service /other undefined']);
    const error = await failureOf(connect(`ws+unix:${folder}/none.sock:/`));
    assert.equal(error.code, 'PB_CONNECT_REFUSED');
  });

  test('a name with addresses of both families finds the one that answers (RFC 8305)', async (t) => {
    const { target } = await serve(t, echo);
    const lookup = (
      _: string,
      __: unknown,
      done: (error: null, all: { address: string; family: number }[]) => void,
    ) => {
      // 192.0.2.1 is for documentation (RFC 5737), ::1 has nobody on this port: only the last one answers.
      done(null, [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ]);
    };
    await open(t, `ws://both.example:${target}/`, { socket: { lookup: lookup as never } });
  });
});

describe('a handshake that fails', () => {
  test('nothing listens there', async (t) => {
    const host = createServer();
    const port = await listen(t, host);
    host.close();
    await once(host, 'close');
    const error = await failureOf(connect(`ws://127.0.0.1:${port}/`));
    assert.equal(error.code, 'PB_CONNECT_REFUSED');
    assert.equal(error.retry, true);
    assert.equal(error.status, undefined);
    assert.match(error.message, /^cannot connect to ws:\/\/127\.0\.0\.1:\d+\/: nothing listens there .*ECONNREFUSED/);
  });

  test('the name has no address', async () => {
    const lookup = (name: string, _: unknown, done: (error: Error) => void) =>
      done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' }));
    const error = await failureOf(connect('ws://nobody.example/', { socket: { lookup: lookup as never } }));
    assert.equal(error.code, 'PB_CONNECT_NAME');
  });

  test('the server refuses: status, headers, body, and what to do', async (t) => {
    const { target } = await serve(t, {
      authorize: () =>
        new Refusal(401, { code: 'NO', detail: 'who are you?', headers: { 'WWW-Authenticate': 'Basic realm="x"' } }),
    });
    const error = await failureOf(connect(`ws://127.0.0.1:${target}/`));
    assert.equal(error.code, 'PB_ANSWER_STATUS');
    assert.equal(error.status, 401);
    assert.equal(error.retry, false);
    assert.equal(error.headers.get('content-type'), 'application/problem+json');
    assert.match(error.body, /who are you/);
    assert.match(
      error.message,
      /answered 401 Unauthorized \(who are you\?, NO\); .*WWW-Authenticate asks \(Basic realm="x"\)/,
    );
  });

  test('a problem that is none is shown as it is', async (t) => {
    for (const body of ['{"detail":', 'null', '{"detail":7}']) {
      const host = createServer((_, response) => {
        response.writeHead(400, { 'Content-Type': 'application/problem+json' }).end(body);
      });
      const error = await failureOf(connect(`ws://127.0.0.1:${await listen(t, host)}/`));
      assert.ok(error.message.includes(`answered 400 Bad Request (${body});`), error.message);
    }
  });

  test('of a page its title is shown, where that says more than the status', async (t) => {
    for (const [body, said] of [
      [
        '<!DOCTYPE html><html lang="en"><head><title >\nCache Access\n Denied</title><style>…',
        ' (Cache Access Denied)',
      ],
      ['<html><head><title>400 Bad Request</title></head><body><center>…', ''],
      ['<p>no title', ''],
    ] as const) {
      const host = createServer((_, response) => {
        response.writeHead(400, { 'Content-Type': 'Text/HTML; charset=utf-8' }).end(body);
      });
      const error = await failureOf(connect(`ws://127.0.0.1:${await listen(t, host)}/`));
      assert.ok(error.message.includes(`answered 400 Bad Request${said};`), error.message);
      assert.equal(error.body, body);
    }
  });

  test('where Upgrade was lost on the way, the error says so', async (t) => {
    const host = createServer((_, response) => void response.writeHead(426, { Upgrade: 'websocket' }).end());
    const error = await failureOf(connect(`ws://127.0.0.1:${await listen(t, host)}/`));
    assert.match(error.message, /: a proxy on the way has to be told to pass Upgrade and Connection on$/);
    const older = createServer(
      (_, response) => void response.writeHead(426, { Upgrade: 'websocket', 'Sec-WebSocket-Version': '8' }).end(),
    );
    const other = await failureOf(connect(`ws://127.0.0.1:${await listen(t, older)}/`));
    assert.match(other.message, /another protocol or version \(websocket\) \(8\)$/);
  });

  test('Retry-After is read', async (t) => {
    const { target } = await serve(t, { maxConnections: 0, retryAfter: 7 });
    const error = await failureOf(connect(`ws://127.0.0.1:${target}/`));
    assert.deepEqual([error.status, error.retry, error.retryAfter], [503, true, 7]);
  });

  test('a page that is no WebSocket, and one that keeps talking', async (t) => {
    const host = createServer((_, response) => {
      response.writeHead(200);
      response.write('<p>a page</p>');
      response.write('x'.repeat(100_000));
    });
    const port = await listen(t, host);
    const error = await failureOf(connect(`http://127.0.0.1:${port}/`));
    assert.equal(error.status, 200);
    assert.equal(error.body.length, 4096);
    assert.match(error.message, /ordinary page/);
  });

  test('every status says what to do about it', async (t) => {
    const hints: Record<number, RegExp> = {
      302: /Location \(\/there\)/,
      403: /origin/,
      404: /path/,
      405: /methods/,
      407: /proxy asks.*Basic/,
      410: /path/,
      418: /logs/,
      426: /a proxy on the way has to be told to pass Upgrade and Connection on$/,
      429: /try again later: Retry-After is 3/,
      502: /proxy could not reach/,
      503: /try again later$/,
      504: /proxy could not reach/,
    };
    const more: Record<number, string> = {
      302: 'Location: /there\r\n',
      407: 'Proxy-Authenticate: Basic\r\n',
      426: 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n',
      429: 'Retry-After: 3\r\n',
    };
    for (const [status, hint] of Object.entries(hints)) {
      const url = await rawServer(t, ({ socket }) => {
        socket.end(`HTTP/1.1 ${status} Reason\r\n${more[Number(status)] ?? ''}Content-Length: 0\r\n\r\n`);
      });
      const error = await failureOf(connect(url));
      assert.equal(error.status, Number(status));
      assert.match(error.message, hint);
    }
  });

  test('the signal gives up, before and during', async (t) => {
    const reason = new Error('no longer wanted');
    await assert.rejects(connect('ws://127.0.0.1:1/', { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const url = await rawServer(t, () => controller.abort(reason));
    await assert.rejects(connect(url, { signal: controller.signal }), reason);
  });

  test('the signal gives up while it dials, and while the answer is traced', async (t) => {
    const reason = new Error('no longer wanted');
    const { target } = await serve(t);
    const dialling = new AbortController();
    const lookup = (_: string, __: unknown, done: (error: null, all: unknown[]) => void): void => {
      dialling.abort(reason);
      process.nextTick(() => done(null, [{ address: '127.0.0.1', family: 4 }]));
    };
    const { signal } = dialling;
    await assert.rejects(connect(`ws://a.example:${target}/`, { signal, socket: { lookup: lookup as never } }), reason);
    const tracing = new AbortController();
    await assert.rejects(
      connect(`ws://127.0.0.1:${target}/`, {
        signal: tracing.signal,
        trace: ({ type }) => void (type === 'answer' && tracing.abort(reason)),
        open: () => assert.fail('it opened'),
      }),
      reason,
    );
  });

  test('a silent server meets handshakeTimeout; 0 switches it off', async (t) => {
    const url = await rawServer(t, () => {});
    const error = await failureOf(connect(url, { handshakeTimeout: 100 }));
    assert.equal(error.code, 'PB_ANSWER_TIMEOUT');
    assert.match(error.message, /handshakeTimeout is 100 ms/);
    const { target } = await serve(t);
    await open(t, `ws://127.0.0.1:${target}/`, { handshakeTimeout: 0 });
  });

  test('a refusal whose body never ends is told when the time is up', async (t) => {
    const url = await rawServer(t, ({ socket }) => {
      socket.write('HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\nhere');
    });
    const error = await failureOf(connect(url, { handshakeTimeout: 100 }));
    assert.deepEqual([error.status, error.body], [404, 'here']);
  });

  test('a mistake in the options is told at once', async () => {
    for (const [url, options, code] of [
      ['ws://x/#a', {}, 'PB_URI_INVALID'],
      ['ftp://x/', {}, 'PB_URI_INVALID'],
      ['/relative', {}, 'PB_URI_INVALID'],
      ['ws+unix:', {}, 'PB_URI_INVALID'],
      ['ws+unix:/tmp/%00a:/', {}, 'PB_URI_INVALID'],
      ['ws+unix://host/sock:/', {}, 'PB_URI_INVALID'],
      ['ws://x/', { socketPath: '' }, 'PB_OPTION_INVALID'],
      ['ws://x/', null, 'PB_OPTION_INVALID'],
      ['ws://x/', { headers: 5 }, 'PB_OPTION_INVALID'],
      ['ws://x/', { origin: 5 }, 'PB_OPTION_INVALID'],
      ['ws://x/', { tls: 5 }, 'PB_OPTION_INVALID'],
      ['ws://x/', { socket: null }, 'PB_OPTION_INVALID'],
      ['ws://x/', { signal: 5 }, 'PB_OPTION_INVALID'],
      ['ws://x/', { receive: 'x' }, 'PB_OPTION_INVALID'],
      ['ws://x/', { requireSubprotocol: 'x' }, 'PB_OPTION_INVALID'],
      ['ws://x/', { maxMessageSise: 1 }, 'PB_OPTION_INVALID'],
      ['ws://x/', { handshakeTimeout: -1 }, 'PB_OPTION_INVALID'],
      ['ws://x/', { subprotocols: 'a' }, 'PB_OPTION_INVALID'],
      ['wss://x/', { tls: { cert: 'no', key: 'no' } }, 'PB_OPTION_INVALID'],
      ['ws://x/', { socket: { lookup: 1 } }, 'PB_OPTION_INVALID'],
      ['ws://x/', { message: 'a' }, 'PB_OPTION_INVALID'],
      ['ws://x/', { subprotocols: ['a', 'a'] }, 'PB_SUBPROTOCOL_INVALID'],
      ['ws://x/', { headers: { Host: 'y' } }, 'PB_HEADER_RESERVED'],
      ['ws://x/', { compression: true, headers: { Upgrade: 'y' } }, 'PB_HEADER_RESERVED'],
    ] as const) {
      await assert.rejects(connect(url, options as never), { code }, JSON.stringify(options));
    }
  });
});

test('beside an application, on its port', async (t) => {
  const host = createServer((_, response) => response.end('page'));
  const { target } = await serveOn(t, host, { path: '/ws' });
  await open(t, `http://127.0.0.1:${target}/ws`);
  assert.equal((await failureOf(connect(`http://127.0.0.1:${target}/other`))).status, 404);
});
