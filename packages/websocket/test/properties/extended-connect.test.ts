import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readExtendedConnect, REFUSALS } from '#dist/handshake/index.js';
import { budget } from './budget.ts';

const value = (...usual: string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...usual) }, fc.string({ maxLength: 8 }));

/** Fields as they may come, right in most places: each may be missing, and be there twice. */
const fields = fc
  .tuple(
    fc.tuple(fc.constant(':method'), value('CONNECT', 'GET')),
    fc.tuple(fc.constantFrom(':protocol', ':PROTOCOL'), value('websocket', 'WebSocket', 'connect-udp')),
    fc.tuple(fc.constant(':scheme'), value('https', 'http', 'ftp')),
    fc.tuple(fc.constant(':path'), value('/', '/a?b', '*')),
    fc.tuple(fc.constant(':authority'), value('server.example', 'a:1', '')),
    fc.tuple(fc.constantFrom('sec-websocket-version', 'Sec-WebSocket-Version'), value('13', '8')),
    fc.tuple(fc.constantFrom('sec-websocket-protocol', 'origin', 'x'), value('a, b', 'a, a', 'https://a.example')),
    fc.tuple(fc.constantFrom('connection', 'upgrade', 'te', 'y', 'host', 'content-length'), value('0', 'x', '5')),
    fc.tuple(fc.constantFrom('sec-websocket-extensions', 'z'), value('permessage-deflate', 'a;', 'a; b=1')),
  )
  .chain((lines) => {
    const times = fc.oneof({ weight: 30, arbitrary: fc.constant(1) }, fc.constantFrom(0, 2));
    return fc
      .tuple(...lines.map(() => times))
      .map((counts) => lines.flatMap((line, index) => Array.from({ length: counts[index]! }, () => line)));
  });

test('a CONNECT over HTTP/2 is read or refused, whatever it has (RFC 8441)', () => {
  const seen = new Set<string>();
  const property = fc.property(fields, (lines) => {
    const read = readExtendedConnect(lines.flat());
    seen.add(read.ok ? 'read' : read.code);
    if (!read.ok) {
      const { status } = REFUSALS[read.code as keyof typeof REFUSALS];
      assert.equal(read.status, status);
      return;
    }
    // What was read is what was sent, and nothing of the pseudo-header fields is left among the others.
    const sent = (name: string): string[] =>
      lines.filter(([own]) => own.toLowerCase() === name).map(([, each]) => each);
    assert.deepEqual(sent(':method'), ['CONNECT']);
    assert.equal(sent(':path')[0]!.split('?')[0], read.path);
    assert.deepEqual(sent(':authority'), [read.host]);
    assert.ok([...read.fields].every(([name]) => !name.startsWith(':')));
  });
  fc.assert(property, budget({ test: 5_000, soak: 500_000 }));
  for (const outcome of ['CONNECT_MISSING', 'PROTOCOL_UNKNOWN', 'PSEUDO_FIELDS', 'CONNECTION_FIELDS', 'TARGET'])
    assert.ok(seen.has(`PB_HANDSHAKE_${outcome}`), `${outcome} never occurred`);
  assert.ok(seen.has('read'));
});
