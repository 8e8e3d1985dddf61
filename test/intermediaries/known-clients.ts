import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RawClient, handshake } from '../support/raw.ts';
import type { StartProxy } from '../support/proxy.ts';
import { type Served, startServe } from '../support/served.ts';

/** How somebody comes to the proxy from an address: what stands before the handshake, and what in its header. */
export interface Arrival {
  before(address: string): string;
  fields(address: string): Readonly<Record<string, string>>;
}

/**
 * By another proxy on this machine, which has added whom it was called by. The host that it names is a stranger's, and
 * would be refused: what our proxy says counts.
 */
export const BY_HEADER: Arrival = {
  before: () => '',
  fields: (address) => ({ 'X-Forwarded-For': address, 'X-Forwarded-Host': 'evil.example' }),
};

/** By another proxy on this machine that speaks the PROXY protocol. */
export const BY_PROXY_PROTOCOL: Arrival = {
  before: (address) => `PROXY TCP4 ${address} 198.51.100.2 56324 443\r\n`,
  // Of a stranger: nobody believes it.
  fields: () => ({ 'X-Forwarded-For': '192.0.2.66' }),
};

/** Who clients are to the program behind a proxy that it trusts: in the log, to the cap, and to the keys. */
export function knownClients(name: string, start: StartProxy, arrival: Arrival, ...options: readonly string[]): void {
  describe(`the clients of pulsebeacon serve behind ${name}`, () => {
    const ends: (() => unknown)[] = [];
    const scope = { after: (end: () => unknown) => void ends.unshift(end) };
    let served: Served;
    let port: number;
    before(async () => {
      served = await startServe(scope, '--log-handshakes', '--max-connections-per-ip', '2', ...options);
      port = await start(scope, served.port);
    });
    after(async () => {
      for (const end of ends) await end();
    });

    /** The status that a handshake is answered with. */
    async function open(path: string, address: string): Promise<number> {
      const client = await RawClient.connect(scope, port);
      client.write(arrival.before(address) + handshake(path, { ...arrival.fields(address), Host: '127.0.0.1' }));
      return Number((await client.readUntil('\r\n\r\n')).split(' ')[1]);
    }

    async function lineOf(path: string): Promise<Record<string, unknown>> {
      const text = path.replace('?', '\\?');
      const [line] = await served.program.printed(new RegExp(`^\\{.*"event":"handshake".*"path":"${text}".*\\}$`, 'm'));
      return JSON.parse(line) as Record<string, unknown>;
    }

    test('their addresses are in the log, and the cap counts by them', async () => {
      const cap = [await open('/echo?1', '203.0.113.7'), await open('/channels/news?2', '203.0.113.7')];
      assert.deepEqual([...cap, await open('/echo?3', '203.0.113.7')], [101, 101, 503]);
      assert.equal(await open('/echo?4', '203.0.113.8'), 101);
      for (const [path, peer, status] of [
        ['/echo?1', '203.0.113.7', 101],
        ['/channels/news?2', '203.0.113.7', 101],
        ['/echo?3', '203.0.113.7', 503],
        ['/echo?4', '203.0.113.8', 101],
      ] as const) {
        const line = await lineOf(path);
        assert.deepEqual([line['peer'], line['proxy'], line['status']], [peer, '127.0.0.1', status]);
      }
    });

    test('nobody of them is somebody on this machine', async () => {
      const client = await RawClient.connect(scope, port);
      const request = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
      client.write(arrival.before('127.0.0.1') + request);
      assert.match(await client.readUntil('\r\n\r\n'), /^HTTP\/1\.1 401 /);
    });
  });
}
