// What is sent, where to, and how figures are kept and written.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newHistogram, percentileCurve, recordMs, summarize } from '#dist/bench/latency.js';
import { Payload } from '#dist/bench/payload.js';
import { Reasons } from '#dist/bench/reasons.js';
import { bytesPerSecond, counted, figure, time, times } from '#dist/bench/report/figures.js';
import { httpUrl, readTarget, withPath } from '#dist/bench/target.js';

describe('a message', () => {
  it('is as long as it is to be, and begins with its number', () => {
    for (const kind of ['text', 'binary'] as const) {
      const payload = new Payload({ size: 100, text: undefined, kind });
      const message = Buffer.from(payload.message(0xabc));
      assert.equal(message.length, 100);
      assert.equal(message.toString('latin1', 0, 8), '00000abc');
      assert(payload.matches(message, 0xabc));
      assert(payload.equals(message, 0xabc));
    }
  });

  it('is not another one', () => {
    const payload = new Payload({ size: 100, text: undefined, kind: 'text' });
    const message = Buffer.from(payload.message(7));
    assert(!payload.matches(message, 8));
    assert(!payload.matches(message.subarray(1), 7));
    assert(!payload.matches(Buffer.concat([message, message]), 7));
    message[99]! ^= 1;
    assert(payload.matches(message, 7));
    assert(!payload.equals(message, 7));
  });

  it('has as many digits as it has room for', () => {
    const payload = new Payload({ size: 2, text: undefined, kind: 'text' });
    assert.equal(Buffer.from(payload.message(0x1ff)).toString(), 'ff');
    assert(payload.matches(Buffer.from('ff'), 0x2ff));
    assert(!payload.matches(Buffer.from('fe'), 0x2ff));
    assert(new Payload({ size: 0, text: undefined, kind: 'binary' }).matches(Buffer.alloc(0), 1));
  });

  it('is a text of ones own, always the same', () => {
    const payload = new Payload({ size: 0, text: 'Grüße', kind: 'text' });
    assert.equal(payload.size, 7);
    assert.equal(Buffer.from(payload.message(3)).toString(), 'Grüße');
    assert(payload.matches(Buffer.from('Grüße'), 4));
    assert(!payload.matches(Buffer.from('GrüßE'), 4));
  });
});

describe('a target', () => {
  it('is the same place by WebSocket and by HTTP', () => {
    const target = readTarget('ws://[::1]:8080/echo?a=b', undefined);
    assert.equal(target.socketUrl, 'ws://[::1]:8080/echo?a=b');
    assert.equal(target.hostname, '::1');
    assert.equal(httpUrl(target), 'http://[::1]:8080/echo?a=b');
    assert.equal(httpUrl(withPath(target, '/healthz')), 'http://[::1]:8080/healthz');
    const secure = readTarget('https://example.com/echo', undefined);
    assert.deepEqual([secure.socketUrl, secure.secure, secure.port], ['wss://example.com/echo', true, 443]);
    assert.equal(httpUrl(secure), 'https://example.com/echo');
  });

  it('does not show a password', () => {
    const target = readTarget('ws://mira:s%20cret@localhost/echo', undefined);
    assert.equal(target.auth, 'mira:s cret');
    assert.equal(target.url, 'ws://localhost/echo');
    assert.equal(target.socketUrl, 'ws://mira:s%20cret@localhost/echo');
  });

  it('may be a Unix socket', () => {
    const inUrl = readTarget('ws+unix:/run/a%20b.sock:/echo?x', undefined);
    assert.deepEqual([inUrl.socketPath, inUrl.path, inUrl.secure], ['/run/a b.sock', '/echo?x', false]);
    assert.equal(inUrl.socketUrl, 'ws://localhost/echo?x');
    const beside = readTarget('wss://localhost/echo', '/run/app.sock');
    assert.deepEqual([beside.socketPath, beside.path, beside.secure], ['/run/app.sock', '/echo', true]);
  });

  for (const [text, says] of [
    ['ftp://localhost/', /no URL of a WebSocket/],
    ['ws://', /no URL of a WebSocket/],
    ['ws://localhost/#a', /has a fragment/],
    ['ws+unix:', /lacks the path of a socket/],
  ] as const) {
    it(`is not ${text}`, () => {
      assert.throws(() => readTarget(text, undefined), { name: 'Failure', exitCode: 2, message: says });
    });
  }
});

describe('latencies', () => {
  it('come down to a few, in milliseconds', () => {
    const histogram = newHistogram();
    for (let ms = 1; ms <= 1000; ms++) recordMs(histogram, ms);
    const { count, min, p50, p90, p99, p99_9, max } = summarize(histogram)!;
    assert.equal(count, 1000);
    for (const [value, expected] of [
      [min, 1],
      [p50, 500],
      [p90, 900],
      [p99, 990],
      [p99_9, 999],
      [max, 1000],
    ] as const) {
      assert(Math.abs(value - expected) <= expected / 1000, `${value} for ${expected}`);
    }
    assert.equal(summarize(newHistogram()), undefined);
  });

  it('may be nothing, or longer than any', () => {
    const histogram = newHistogram();
    recordMs(histogram, 0);
    recordMs(histogram, 1e12);
    const { min, max } = summarize(histogram)!;
    assert.equal(min, 1e-6);
    assert(max >= 3_600_000 && max < 3_700_000);
  });

  it('are plotted in steps of ten times fewer messages, to the last message and no further', () => {
    const histogram = newHistogram();
    for (let ms = 1; ms <= 1000; ms++) recordMs(histogram, ms);
    const curve = percentileCurve(histogram);
    assert.equal(curve.length, 61);
    assert.deepEqual(curve[0]!.map(Math.round), [0, 1]);
    assert.deepEqual(curve[20]!.map(Math.round), [90, 900]);
    assert.deepEqual(curve.at(-1)!.map(Math.round), [100, 1000]);
    assert(curve.every(([, ms], index) => index === 0 || ms >= curve[index - 1]![1]));
    assert.deepEqual(percentileCurve(newHistogram()), []);
  });
});

describe('reasons', () => {
  it('are counted, the most frequent first, with what was said first', () => {
    const reasons = new Reasons();
    reasons.add('a', 'first');
    reasons.add('b');
    reasons.add('b', 'later', 4);
    assert.deepEqual(reasons.list(), [
      { key: 'b', count: 5, message: '' },
      { key: 'a', count: 1, message: 'first' },
    ]);
    assert.equal(reasons.total, 6);
  });

  it('are not told apart without end', () => {
    const reasons = new Reasons();
    for (let key = 0; key < 1000; key++) reasons.add(String(key));
    assert.equal(reasons.list().length, 33);
    assert.deepEqual(reasons.list()[0], { key: 'other', count: 968, message: '' });
  });
});

describe('figures', () => {
  it('have three places that count', () => {
    const written = [0.0004, 0.0523, 0.9996, 4.213, 9.996, 38.54, 99.96, 1204.4, 1e6, null, undefined].map(figure);
    assert.deepEqual(written, [
      '0.000',
      '0.052',
      '1.00',
      '4.21',
      '10.0',
      '38.5',
      '100',
      '1,204',
      '1,000,000',
      '–',
      '–',
    ]);
    assert.equal(times(9.213), '9.21 ×');
    assert.equal(times(null), '–');
  });

  it('have their units', () => {
    assert.deepEqual([12, 1200, 7_940_000].map(bytesPerSecond), ['12 B/s', '1.20 kB/s', '7.94 MB/s']);
    assert.deepEqual([250, 1000, 1500, 60_000, 120_000].map(time), ['250 ms', '1 s', '1.5 s', '60 s', '2 min']);
    assert.deepEqual([counted(1, 'byte'), counted(2000, 'byte')], ['1 byte', '2,000 bytes']);
  });
});
