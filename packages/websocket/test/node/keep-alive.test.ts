import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Log, logged, serve } from '../support/servers.ts';

// The arithmetic of deadlines is tested with a clock of its own (connection/deadlines.test.ts); here they are real.

test('a silent peer is pinged; one that answers stays, one that does not is cut with 1006', async (t) => {
  const log = new Log();
  const { open, server } = await serve(t, { ...logged(log), pingInterval: 100, pongTimeout: 100 });
  const [alive, dead] = [await open(), await open()];
  // Both are pinged; only one of them answers.
  for (let i = 0; i < 3; i++) {
    const frame = await alive.readFrame();
    assert.equal(frame!.opcode, 9);
    alive.send({ opcode: 10, payload: frame!.payload });
  }
  assert.equal(await dead.next(), 'ping ""');
  assert.deepEqual(await dead.rest(), []);
  assert.ok(log.lines.includes('error PB_PONG_TIMEOUT'));
  await log.has('close 1006');
  assert.equal(server.counts().open, 1);
});

test('an idle connection is closed with 1001, an unfinished message with 1008', async (t) => {
  const log = new Log();
  const { open } = await serve(t, { ...logged(log), idleTimeout: 200, messageTimeout: 100 });
  const client = await open();
  assert.equal(await client.next(), 'close 1001 "no message came for too long"');
  const other = await open();
  other.send({ opcode: 1, fin: false });
  assert.equal(await other.next(), 'close 1008 "the message was not completed in time"');
});
