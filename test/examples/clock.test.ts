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

  const times = async (client: Client, count: number): Promise<number[]> => {
    const list: number[] = [];
    while (list.length < count) list.push(Number((await client.nextJson())['unix']));
    return list;
  };
  const [first, second] = await Promise.all([times(plain, 8), times(compressed, 8)]);
  for (const list of [first, second])
    assert.deepEqual(
      list,
      [...list].sort((a, b) => a - b),
    );
  const common = first.filter((time) => second.includes(time));
  assert.ok(common.length >= 4, `${first.join()} and ${second.join()} have little in common`);

  const page = (await (await example.get('/')).json()) as Record<string, number>;
  assert.deepEqual([page['open'], page['peak']], [2, 2]);
  assert.ok(page['messagesOut']! >= 16);
  await example.stop();
  for (const client of [plain, compressed]) assert.equal((await client.closed).code, 1001);
});
