// The frames that `trace` is told: both directions, wherever the bytes are cut (RFC 6455 §5.2).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it, test } from 'node:test';
import { connect, type FrameTrace, type TraceEvent } from '@pulsebeacon/websocket';
import { type ByteStreamHandler, CONSUMED } from '#dist/connection/byte-stream.js';
import { TracedStream } from '#dist/node/client/traced-stream.js';
import { SocketStream } from '#dist/node/socket-stream.js';
import { byteStreamContract } from '../support/byte-stream-contract.ts';
import { FakeStream } from '../support/fake-stream.ts';
import { bytes, closeBody, concat, type FrameSpec, fromClient, fromServer, utf8 } from '../support/frames.ts';
import { rawServer } from '../support/raw-server.ts';
import { serve } from '../support/servers.ts';

const NOTHING = bytes();

/** Does nothing with what it is told but to note it. */
class Recorder implements ByteStreamHandler {
  readonly calls: string[] = [];

  onBytes(_: Uint8Array, start: number, end: number): void {
    this.calls.push(`${end - start} bytes`);
  }
  onDrain(): void {
    this.calls.push('drain');
  }
  onEnd(): void {
    this.calls.push('end');
  }
  onClose(cause: Error | undefined): void {
    this.calls.push(`close ${cause?.message}`);
  }
}

interface Traced {
  readonly stream: TracedStream;
  readonly below: FakeStream;
  readonly above: Recorder;
  readonly frames: FrameTrace[];
}

function traced(head: Uint8Array = NOTHING): Traced {
  const frames: FrameTrace[] = [];
  const below = new FakeStream();
  const above = new Recorder();
  const stream = new TracedStream(below, (event) => frames.push(event as FrameTrace), head);
  stream.attach(above);
  return { stream, below, above, frames };
}

/** What is expected of a frame as the test describes it. */
function told(direction: 'in' | 'out', { fin = true, rsv1 = false, opcode, payload = NOTHING }: FrameSpec): FrameTrace {
  const masked = direction === 'out';
  const start = payload.slice(0, 128);
  return { type: 'frame', direction, fin, rsv1, opcode, masked, length: payload.length, start };
}

const ramp = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff);

/** Every length form, and payloads around the part that is shown. */
const SPECS: readonly FrameSpec[] = [
  { opcode: 1, payload: utf8('hello') },
  { opcode: 9 },
  { opcode: 2, payload: ramp(125) },
  { opcode: 2, fin: false, rsv1: true, payload: ramp(126) },
  { opcode: 0, fin: false },
  { opcode: 0, payload: ramp(128) },
  { opcode: 2, payload: ramp(129) },
  { opcode: 2, payload: ramp(300) },
  { opcode: 0xa, payload: utf8('x') },
  { opcode: 2, payload: ramp(65536) },
  { opcode: 8, payload: closeBody(1000, 'done') },
];

function pieces(whole: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(whole.length / size) }, (_, i) => whole.slice(i * size, (i + 1) * size));
}

describe('frames, wherever the bytes are cut', () => {
  for (const size of [1, 2, 3, 5, 7, 13, 127, 128, 129, 4096, Infinity]) {
    it(`tells those that come in, in pieces of ${size}`, () => {
      const { below, frames } = traced();
      const whole = concat(...SPECS.map(fromServer));
      for (const piece of pieces(whole, Math.min(size, whole.length))) below.receive(piece);
      assert.deepEqual(
        frames,
        SPECS.map((spec) => told('in', spec)),
      );
    });

    it(`tells those that go out, unmasked, in pieces of ${size}`, () => {
      const { stream, below, frames } = traced();
      const whole = concat(...SPECS.map(fromClient));
      for (const piece of pieces(whole, Math.min(size, whole.length))) stream.write(piece, 0, piece.length);
      assert.deepEqual(
        frames,
        SPECS.map((spec) => told('out', spec)),
      );
      assert.ok(below.written.equals(whole), 'what passes is not changed');
    });
  }

  it('tells a frame as soon as its start is through', () => {
    const { below, frames } = traced();
    const frame = fromServer({ opcode: 2, payload: ramp(1000) });
    below.receive(frame.subarray(0, 4 + 127));
    assert.equal(frames.length, 0);
    below.receive(frame.subarray(4 + 127, 4 + 128));
    assert.equal(frames.length, 1);
    below.receive(frame.subarray(4 + 128));
    assert.equal(frames.length, 1);
  });

  it('reads from the middle of a larger buffer', () => {
    const { stream, frames } = traced();
    const frame = fromClient({ opcode: 1, payload: utf8('hello') });
    stream.write(concat(bytes(1, 2, 3), frame, bytes(4)), 3, 3 + frame.length);
    assert.deepEqual(frames, [told('out', { opcode: 1, payload: utf8('hello') })]);
  });

  it('shows what the connection will refuse: a masked frame from a server, and an unknown opcode', () => {
    const { below, frames } = traced();
    below.receive(fromClient({ opcode: 0xf, payload: utf8('why') }));
    assert.deepEqual(frames, [{ ...told('in', { opcode: 0xf, payload: utf8('why') }), masked: true }]);
  });

  it('tells the frames that came with the handshake first', () => {
    const whole = fromServer({ opcode: 1, payload: utf8('early') });
    const { below, frames } = traced(whole.slice(0, 4));
    below.receive(whole.subarray(4));
    assert.deepEqual(frames, [told('in', { opcode: 1, payload: utf8('early') })]);
  });
});

describe('the end', () => {
  const cut = fromServer({ opcode: 1, payload: utf8('hello') }).subarray(0, 5);

  it('tells a frame that was cut off, once', () => {
    const { below, above, frames } = traced();
    below.receive(cut);
    below.receiveEnd();
    below.close();
    assert.deepEqual(frames, [{ ...told('in', { opcode: 1 }), length: 5, start: utf8('hel') }]);
    assert.deepEqual(above.calls, ['5 bytes', 'end', 'close undefined']);
  });

  it('does not tell a frame twice whose start was told', () => {
    const { below, frames } = traced();
    below.receive(fromServer({ opcode: 2, payload: ramp(1000) }).subarray(0, 500));
    below.close(new Error('reset'));
    assert.equal(frames.length, 1);
  });

  it('tells nothing of half a header', () => {
    const { below, above, frames } = traced();
    below.receive(bytes(0x82));
    below.close(new Error('reset'));
    assert.deepEqual(frames, []);
    assert.deepEqual(above.calls, ['1 bytes', 'close reset']);
  });

  for (const [how, finish] of [
    ['end', ({ stream }: Traced) => stream.end()],
    ['destroy', ({ stream }: Traced) => stream.destroy()],
    ['the peer cutting the connection', ({ below }: Traced) => below.close()],
  ] as const) {
    it(`tells nothing of what is written after ${how}`, () => {
      const it = traced();
      finish(it);
      const frame = fromClient({ opcode: 1, payload: utf8('late') });
      assert.equal(it.stream.write(frame, 0, frame.length), CONSUMED);
      assert.deepEqual(it.frames, []);
    });
  }
});

describe('the stream', () => {
  it('passes everything else on', () => {
    const { stream, below, above } = traced();
    below.isStuck = true;
    const frame = fromClient({ opcode: 1, payload: utf8('hello') });
    stream.write(frame, 0, frame.length);
    assert.equal(stream.queuedBytes, frame.length);
    below.drain();
    assert.deepEqual(above.calls, ['drain']);
    stream.pause();
    assert.equal(below.isPaused, true);
    stream.resume();
    assert.equal(below.isPaused, false);
    stream.end();
    assert.equal(below.isEnded, true);
    const cause = new Error('because');
    stream.destroy(cause);
    assert.equal(below.cause, cause);
  });

  it('is handed over inside onBytes', () => {
    const { stream, below, above } = traced();
    const next = new Recorder();
    above.onBytes = () => stream.attach(next);
    below.receive(fromServer({ opcode: 9 }));
    below.receive(fromServer({ opcode: 9 }));
    assert.deepEqual(next.calls, ['2 bytes']);
  });

  it('lives on where trace throws, and the error is nobody else’s', async () => {
    const below = new FakeStream();
    const stream = new TracedStream(
      below,
      () => {
        throw new Error('a fault of the tracer');
      },
      NOTHING,
    );
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const uncaught = once(process, 'uncaughtException') as Promise<[Error]>;
    const frame = fromClient({ opcode: 1, payload: utf8('hello') });
    stream.write(frame, 0, frame.length);
    const [error] = await uncaught;
    for (const other of others) process.on('uncaughtException', other);
    assert.equal(error.message, 'a fault of the tracer');
    assert.ok(below.written.equals(frame));
  });
});

byteStreamContract('TracedStream over TCP', async (t) => {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as net.AddressInfo;
  const options = { port, host: '127.0.0.1', allowHalfOpen: true, highWaterMark: 1 };
  const peer = net.connect(options as unknown as net.NetConnectOpts);
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  const stream = new TracedStream(new SocketStream(socket), () => {}, NOTHING);
  return { stream, peer, reset: () => peer.resetAndDestroy() };
});

describe('connect with trace', () => {
  test('both handshakes and every frame, in the order in which they happen', async (t) => {
    const { target } = await serve(t, {
      message(connection, data) {
        connection.send(data);
        connection.close(4000, 'enough');
      },
    });
    const events: TraceEvent[] = [];
    await new Promise<void>((resolve, reject) => {
      const trace = (event: TraceEvent): void => void events.push(event);
      connect(`ws://127.0.0.1:${target as number}/`, {
        trace,
        open: (connection) => connection.send('hello'),
        message() {},
        close: () => resolve(),
      }).catch(reject);
    });
    const [request, answer, ...frames] = events;
    assert.ok(request?.type === 'request' && request.text.startsWith('GET / HTTP/1.1\r\n'));
    assert.ok(request.text.endsWith('\r\n\r\n'));
    assert.ok(answer?.type === 'answer' && answer.text.startsWith('HTTP/1.1 101 '));
    const hello = { opcode: 1, payload: utf8('hello') };
    assert.deepEqual(frames, [
      told('out', hello),
      told('in', hello),
      told('in', { opcode: 8, payload: closeBody(4000, 'enough') }),
      told('out', { opcode: 8, payload: closeBody(4000) }),
    ]);
  });

  test('frames that come in one piece with the answer', async (t) => {
    const url = await rawServer(t, ({ socket, accepted }) => {
      socket.write(Buffer.concat([Buffer.from(accepted()), fromServer({ opcode: 1, payload: utf8('early') })]));
    });
    const events: TraceEvent[] = [];
    const message = await new Promise((resolve, reject) => {
      connect(url, { trace: (event) => void events.push(event), message: (_, data) => resolve(data) }).catch(reject);
    });
    assert.equal(message, 'early');
    assert.deepEqual(
      events.filter(({ type }) => type === 'frame'),
      [told('in', { opcode: 1, payload: utf8('early') })],
    );
  });
});
