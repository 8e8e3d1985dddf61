// Who may open a WebSocket: caps by address and in all, by the rules of the program rather than by its sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { HostPolicy } from '#dist/http/host-policy.js';
import { Admission, type AdmissionLimits } from '#dist/sockets/admission.js';
import { TokenBucket } from '@pulsebeacon/hub';
import { WebSocket } from 'ws';
import { Program } from './support/program.ts';

type Request = Parameters<Admission['decide']>[0];
type Connection = Parameters<Admission['opened']>[0];

const NO_LIMITS: AdmissionLimits = { maxConnections: Infinity, maxConnectionsPerIp: Infinity, handshakeRate: Infinity };

function admission(limits: Partial<AdmissionLimits>): Admission {
  return new Admission({ ...NO_LIMITS, ...limits }, new HostPolicy([], []));
}

function from(remoteAddress: string | undefined, host = 'localhost'): Request & Connection {
  return { httpVersion: '1.1', path: '/echo', remoteAddress, host };
}

const incoming = { headers: {}, socket: { localAddress: '127.0.0.1' } } as unknown as IncomingMessage;

describe('the cap of an address', () => {
  it('counts what is open, and lets in again who has left', () => {
    const door = admission({ maxConnectionsPerIp: 2 });
    const peer = from('203.0.113.7');
    assert.equal(door.decide(peer, incoming), undefined);
    door.opened(peer);
    door.opened(peer);
    const refusal = door.decide(peer, incoming);
    assert.equal(refusal?.status, 503);
    assert.equal(refusal?.code, 'PB_HANDSHAKE_ADDRESS_FULL');
    assert.match(refusal?.detail ?? '', /all of its 2 connections \(--max-connections-per-ip\)/);
    assert.deepEqual(refusal?.headers, [['Retry-After', '5']]);
    const proxied = { ...incoming, headers: { 'x-forwarded-for': '192.0.2.1' } } as unknown as IncomingMessage;
    assert.match(
      door.decide(peer, proxied)?.detail ?? '',
      /x-forwarded-for says is believed .* --trusted-proxy names$/,
    );
    assert.equal(door.decide(from('203.0.113.8'), incoming), undefined);
    door.closed(peer);
    assert.equal(door.decide(peer, incoming), undefined);
    door.closed(peer);
    assert.equal(door.open, 0);
    assert.equal(door.peak, 2);
  });

  for (const address of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1', undefined]) {
    it(`does not hold for this machine: ${address ?? 'a Unix socket'}`, () => {
      const door = admission({ maxConnectionsPerIp: 1 });
      for (let count = 0; count < 5; count++) {
        assert.equal(door.decide(from(address), incoming), undefined);
        door.opened(from(address));
      }
      assert.equal(door.open, 5);
    });
  }
});

describe('the order of reasons', () => {
  it('says first that the program ends, then that the name is wrong', () => {
    const door = admission({ maxConnections: 0 });
    assert.equal(door.decide(from('203.0.113.7', 'evil.test'), incoming)?.code, 'PB_HOST_UNKNOWN');
    assert.equal(door.decide(from('203.0.113.7'), incoming)?.code, 'PB_HANDSHAKE_SERVER_FULL');
    door.draining = true;
    const refusal = door.decide(from('203.0.113.7', 'evil.test'), incoming);
    assert.equal(refusal?.code, 'PB_HANDSHAKE_DRAINING');
    assert.equal(refusal?.status, 503);
  });

  it('does not count against the rate what is refused for another reason', () => {
    const door = admission({ handshakeRate: 1 });
    for (let count = 0; count < 10; count++)
      assert.equal(door.decide(from('203.0.113.7', 'evil.test'), incoming)?.status, 421);
    assert.equal(door.decide(from('203.0.113.7'), incoming), undefined);
    assert.equal(door.decide(from('203.0.113.7'), incoming)?.code, 'PB_HANDSHAKE_RATE');
  });
});

describe('HostPolicy', () => {
  it('knows the addresses by which it was reached, and no others', () => {
    const policy = new HostPolicy([], ['0.0.0.0']);
    assert.equal(policy.judge('192.0.2.5:8080', '192.0.2.5'), undefined);
    assert.equal(policy.judge('192.0.2.5', '::ffff:192.0.2.5'), undefined);
    assert.equal(policy.judge('[2001:db8::5]', '2001:db8::5'), undefined);
    assert.match(policy.judge('192.0.2.6', '192.0.2.5') ?? '', /--public-url http:\/\/192\.0\.2\.6/);
  });

  it('knows the names that it listens on and those of its public URLs', () => {
    const policy = new HostPolicy(['https://Live.Example.com/path', 'ws://[2001:db8::1]:80'], ['My-Machine']);
    for (const host of [
      'live.example.com',
      'LIVE.example.com:99',
      'live.example.com.',
      '[2001:db8::1]',
      'my-machine:8080',
    ]) {
      assert.equal(policy.judge(host, '127.0.0.1'), undefined, host);
    }
    for (const host of [
      'example.com',
      'xlive.example.com',
      'my-machine.evil.test',
      '',
      ':80',
      'a b',
      'a/b',
      'a\u0000b',
    ]) {
      assert.equal(typeof policy.judge(host, '127.0.0.1'), 'string', host);
    }
  });

  it('takes a time that grows with the length of Host, not with its square', () => {
    const policy = new HostPolicy([], []);
    const time = (length: number): number => {
      const host = `${'.'.repeat(length)}:`;
      const begin = performance.now();
      for (let round = 0; round < 20; round++) policy.judge(host, '127.0.0.1');
      return performance.now() - begin;
    };
    // The least of several: what else runs on the machine makes them longer, never shorter.
    const least = (length: number): number => Math.min(...Array.from({ length: 9 }, () => time(length)));
    const [once, fourfold] = [Math.max(least(4000), 0.5), least(16_000)];
    assert(fourfold < once * 10, `${once} ms, then ${fourfold} ms`);
  });
});

describe('TokenBucket', () => {
  it('gives the burst at once, then the rate', () => {
    const bucket = new TokenBucket(50, 3, 0);
    const takes = (now: number): boolean => bucket.take(now);
    assert.deepEqual([takes(0), takes(0), takes(0), takes(0)], [true, true, true, false]);
    assert.equal(takes(19), false);
    assert.equal(takes(20), true);
    assert.equal(takes(20), false);
  });

  it('saves up no more than the burst', () => {
    const bucket = new TokenBucket(1000, 2, 0);
    const now = 3_600_000;
    assert.deepEqual([bucket.take(now), bucket.take(now), bucket.take(now)], [true, true, false]);
  });
});

it('who is let in and says hello late is counted then: nobody gets past the cap', async (t) => {
  const program = await Program.start(['--max-connections', '3']);
  t.after(() => program.stop());
  const sockets = Array.from({ length: 8 }, () => new WebSocket(`${program.base.replace('http', 'ws')}/connect`));
  await Promise.all(sockets.map((socket) => once(socket, 'open')));
  const codes = sockets.map(async (socket) => {
    socket.send(JSON.stringify({ type: 'hello', versions: [1] }));
    const [data] = (await once(socket, 'message')) as [Buffer];
    const { type, code } = JSON.parse(String(data)) as { type: string; code?: string };
    return code ?? type;
  });
  assert.deepEqual((await Promise.all(codes)).sort(), [
    ...Array<string>(5).fill('PB_HUB_FULL'),
    ...Array<string>(3).fill('welcome'),
  ]);
  for (const socket of sockets) socket.terminate();
});
