import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, type ConnectOptions, HandshakeError, type WebSocketError } from '@pulsebeacon/websocket';
import { failed } from '../support/connecting.ts';
import { type RawHandshake, rawServer } from '../support/raw-server.ts';

type Answer = (handshake: RawHandshake) => string | Uint8Array | undefined;

/** Connects to a server that answers like that, and ends the connection where `ends` says so. */
async function codeOf(
  t: Parameters<typeof rawServer>[0],
  answer: Answer,
  options: ConnectOptions = {},
  ends = false,
): Promise<HandshakeError> {
  const url = await rawServer(t, (handshake) => {
    const bytes = answer(handshake);
    if (bytes !== undefined) handshake.socket.write(bytes);
    if (ends) handshake.socket.end();
  });
  return failed(url, options);
}

const without = (text: string, name: string): string => text.replace(new RegExp(`${name}: .*\r\n`), '');

describe('a handshake that is answered wrongly (RFC 6455 §4.1)', () => {
  const cases: [title: string, code: string, answer: Answer, options?: ConnectOptions][] = [
    ['no Upgrade', 'PB_ANSWER_UPGRADE', (h) => without(h.accepted(), 'Upgrade')],
    ['another Upgrade', 'PB_ANSWER_UPGRADE', (h) => h.accepted().replace('Upgrade: websocket', 'Upgrade: h2c')],
    ['no Connection', 'PB_ANSWER_CONNECTION', (h) => without(h.accepted(), 'Connection')],
    ['no accept', 'PB_ANSWER_ACCEPT_MISSING', (h) => without(h.accepted(), 'Sec-WebSocket-Accept')],
    ['a wrong accept', 'PB_ANSWER_ACCEPT_WRONG', (h) => h.accepted().replace(/Accept: ./, 'Accept: -')],
    ['two accepts', 'PB_ANSWER_ACCEPT_REPEATED', (h) => h.accepted('Sec-WebSocket-Accept: x')],
    ['a subprotocol unasked', 'PB_ANSWER_SUBPROTOCOL_UNEXPECTED', (h) => h.accepted('Sec-WebSocket-Protocol: chat')],
    [
      'two subprotocols',
      'PB_ANSWER_SUBPROTOCOL_REPEATED',
      (h) => h.accepted('Sec-WebSocket-Protocol: a', 'Sec-WebSocket-Protocol: b'),
      { subprotocols: ['a', 'b'] },
    ],
    [
      'no subprotocol, where one is required',
      'PB_ANSWER_SUBPROTOCOL_MISSING',
      (h) => h.accepted(),
      { subprotocols: ['a'], requireSubprotocol: true },
    ],
    [
      'an extension unasked',
      'PB_ANSWER_EXTENSION_UNEXPECTED',
      (h) => h.accepted('Sec-WebSocket-Extensions: permessage-deflate'),
    ],
    [
      'an extension twice',
      'PB_ANSWER_EXTENSION_UNEXPECTED',
      (h) => h.accepted('Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate'),
      { compression: true },
    ],
    [
      'extensions that cannot be read',
      'PB_ANSWER_EXTENSIONS_INVALID',
      (h) => h.accepted('Sec-WebSocket-Extensions: ;'),
    ],
    [
      'parameters of compression that were not offered (RFC 7692 §7)',
      'PB_ANSWER_DEFLATE_INVALID',
      (h) => h.accepted('Sec-WebSocket-Extensions: permessage-deflate; x=1'),
      { compression: { takeover: true } },
    ],
    ['something that is not HTTP', 'PB_ANSWER_NOT_HTTP', () => 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['a TLS alert', 'PB_ANSWER_NOT_HTTP', () => Uint8Array.of(0x15, 3, 1, 0, 2, 2, 70)],
    ['a header that is no header', 'PB_ANSWER_FIELD_INVALID', () => 'HTTP/1.1 101 Yes\r\nUpgrade websocket\r\n\r\n'],
    ['too many fields', 'PB_ANSWER_TOO_MANY_FIELDS', () => `HTTP/1.1 101 Yes\r\n${'A: b\r\n'.repeat(101)}\r\n`],
    ['an endless header', 'PB_ANSWER_FIELDS_TOO_LARGE', () => `HTTP/1.1 101 Yes\r\nA: ${'b'.repeat(20_000)}`],
    ['an endless status line', 'PB_ANSWER_FIELDS_TOO_LARGE', () => `HTTP/1.1 101 ${'b'.repeat(20_000)}`],
  ];
  for (const [title, code, answer, options] of cases) {
    test(title, async (t) => {
      const error = await codeOf(t, answer, options);
      assert.equal(error.code, code);
      assert.match(error.message, /^cannot connect to ws:\/\/127\.0\.0\.1:\d+\/: .+; .+/);
    });
  }

  test('a header that comes byte by byte has handshakeTimeout, as a whole', async (t) => {
    const url = await rawServer(t, ({ socket }) => {
      const text = `HTTP/1.1 101 Yes\r\n${'A: b\r\n'.repeat(60)}`;
      let at = 0;
      const timer = setInterval(() => socket.write(text[at++ % text.length]!), 5);
      socket.on('close', () => clearInterval(timer));
    });
    await assert.rejects(connect(url, { handshakeTimeout: 200 }), { code: 'PB_ANSWER_TIMEOUT' });
  });

  test('an end before, and in the middle of, the answer', async (t) => {
    for (const start of [undefined, 'HTTP/1.1 101 Swit']) {
      const error = await codeOf(t, () => start, {}, true);
      assert.equal(error.code, 'PB_ANSWER_ENDED');
      assert.equal(error.retry, true);
    }
  });

  test('a reset instead of an answer', async (t) => {
    const url = await rawServer(t, ({ socket }) => socket.resetAndDestroy());
    await assert.rejects(connect(url), { code: 'PB_ANSWER_ENDED' });
  });
});

describe('frames that no server may send', () => {
  const cases: [title: string, code: string, bytes: number[], closeCode: number][] = [
    ['masked frames (§5.1)', 'PB_FRAME_MASKED', [0x81, 0x81, 1, 2, 3, 4, 5], 1002],
    ['garbage behind the answer (§5.2)', 'PB_FRAME_RESERVED_BITS', [0x48, 0x54, 0x54, 0x50], 1002],
    ['a compressed message without compression (RFC 7692 §6)', 'PB_FRAME_RESERVED_BITS', [0xc1, 1, 0], 1002],
    ['text that is not UTF-8 (§8.1)', 'PB_TEXT_INVALID_UTF8', [0x81, 1, 0xff], 1007],
  ];
  for (const [title, code, bytes, closeCode] of cases) {
    test(title, async (t) => {
      const url = await rawServer(t, ({ socket, accepted }) => {
        socket.write(Buffer.concat([Buffer.from(accepted()), Buffer.from(bytes)]));
      });
      const events: unknown[] = [];
      await new Promise<void>((resolve, reject) => {
        connect(url, {
          error: (_, error: WebSocketError) => void events.push(error.code),
          close: (_, ...how) => {
            events.push(...how.slice(0, 1));
            resolve();
          },
        }).catch(reject);
      });
      assert.deepEqual(events, [code, closeCode]);
    });
  }
});
