import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../support/client.ts';
import { Example } from '../support/example.ts';

test('clock.mjs: the same tick for everybody', async (t) => {
  const example = await Example.start(t, 'clock.mjs', { INTERVAL: '50' });
  const url = example.socket('/clock');
  const plain = await Client.open(t, url);
  const compressed = await Client.open(t, url, { perMessageDeflate: true });
  assert.equal(plain.socket.extensions, '');
  assert.match(compressed.socket.extensions, /^permessage-deflate/);

  const nextTime = async (client: Client): Promise<number> => Number((await client.nextJson())['unix']);
  // A newcomer gets the time that all others got last, and from then on every tick that they get.
  let time = await nextTime(plain);
  for (const start = await nextTime(compressed); time < start; ) time = await nextTime(plain);
  for (let i = 0; i < 5; i++) {
    const [one, other] = await Promise.all([nextTime(plain), nextTime(compressed)]);
    assert.equal(one, other);
    assert.ok(one > time);
    time = one;
  }

  const page = (await (await example.get('/')).json()) as Record<string, number>;
  assert.deepEqual([page['open'], page['peak']], [2, 2]);
  assert.ok(page['messagesOut']! >= 12);
  await example.stop();
  for (const client of [plain, compressed]) assert.equal((await client.closed).code, 1001);
});
