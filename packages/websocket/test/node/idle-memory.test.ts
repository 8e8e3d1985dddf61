// alone: measures memory
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromClient, utf8 } from '../support/frames.ts';
import { collectGarbage, usedMemory } from '../support/memory.ts';
import type { RawClient } from '../support/raw-client.ts';
import { serve } from '../support/servers.ts';

// What a message needed is given back; an idle connection keeps none of it.

const CONNECTIONS = 100;
/** Bytes; what the engine keeps for itself comes to some hundred for each, a read buffer or a message to far more. */
const MOST_KEPT = 4096;
const offer = { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } };

for (const [name, compression] of [
  ['plain', false],
  ['with permessage-deflate', true],
] as const) {
  test(`bytes per idle connection after messages of all sizes, ${name}`, async (t) => {
    const { open, server } = await serve(t, { compression, message: (connection, data) => void connection.send(data) });
    const clients: RawClient[] = [];
    for (let i = 0; i < CONNECTIONS; i++) clients.push(await open(offer));
    const talk = async (size: number): Promise<void> => {
      const text = 'x'.repeat(size);
      const frame = fromClient({ opcode: 1, payload: utf8(text) });
      for (const client of clients) {
        // In two reads, so that the message has to be put together.
        client.write(frame.subarray(0, frame.length - 3));
        await new Promise(setImmediate);
        client.write(frame.subarray(-3));
        await client.readFrame();
      }
    };
    // Everything that is made once, and shared.
    await talk(1);
    await talk(100_000);
    collectGarbage();
    const before = usedMemory();
    // The compiler keeps something for itself in this round or that one; what a connection keeps is there in each.
    let kept = Infinity;
    for (let round = 0; round < 5 && kept >= MOST_KEPT; round++) {
      for (const size of [100, 10_000, 100_000]) await talk(size);
      collectGarbage();
      kept = Math.min(kept, (usedMemory() - before) / CONNECTIONS);
    }
    t.diagnostic(`${Math.round(kept)} bytes are kept for each connection`);
    assert.ok(kept < MOST_KEPT, `${kept} bytes are kept for each connection`);
    assert.equal(server.counts().open, CONNECTIONS);
  });
}
