import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DEFAULT_BUDGET,
  deflateContextBytes,
  DeflateMemoryBudget,
  halves,
  inflateContextBytes,
  takeoverBytes,
} from '#dist/node/deflate/memory-budget.js';
import { assertRoundTrip, connect, deflate, makeProvider, parameters, PATHS, takeover } from '../support/deflate.ts';
import { answerTo } from '../support/negotiate.ts';
import { Random } from '../support/random.ts';

const unexpected = (): never => assert.fail('the sink of a half that was closed is called');

const ONE = takeoverBytes(takeover(), 'server', 8);

test('a budget grants as long as it lasts', () => {
  const budget = new DeflateMemoryBudget(250);
  const first = budget.grant(100)!;
  const second = budget.grant(150)!;
  assert.deepEqual([budget.size, budget.used], [250, 250]);
  assert.equal(budget.refusals, 0);
  assert.equal(budget.grant(1), undefined);
  assert.equal(budget.refusals, 1);
  assert.notEqual(budget.grant(0), undefined);
  first.hold();
  first.drop();
  assert.equal(budget.used, 250);
  first.drop();
  assert.equal(budget.used, 150);
  second.drop();
  assert.equal(budget.used, 0);
});

test('a budget of 0 grants nothing, and its size is checked', () => {
  assert.equal(new DeflateMemoryBudget(0).grant(1), undefined);
  for (const size of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '64' as unknown as number]) {
    assert.throws(() => new DeflateMemoryBudget(size), { name: 'UsageError', code: 'PB_OPTION_INVALID' });
  }
  assert.equal(DeflateMemoryBudget.ofProcess.size, DEFAULT_BUDGET);
});

test('each end deflates with its own parameters and inflates with those of the other (RFC 7692 §7)', () => {
  const agreed = parameters({ serverNoContextTakeover: false, serverMaxWindowBits: 10, clientMaxWindowBits: 12 });
  const server = { takeover: true, windowBits: 10 };
  const client = { takeover: false, windowBits: 12 };
  assert.deepEqual(halves(agreed, 'server'), { deflate: server, inflate: client });
  assert.deepEqual(halves(agreed, 'client'), { deflate: client, inflate: server });
  assert.equal(takeoverBytes(agreed, 'server', 8), deflateContextBytes(10, 8));
  assert.equal(takeoverBytes(agreed, 'client', 8), inflateContextBytes(10));
  assert.equal(takeoverBytes(parameters(), 'server', 8), 0);
});

for (const path of PATHS) {
  test(`takeover is granted while the budget lasts, then the negotiation says no_context_takeover (${path})`, () => {
    const { provider } = makeProvider(path, { takeover: true, memoryBudget: 3 * ONE });
    const negotiate = () =>
      answerTo('permessage-deflate', provider.wishes, (wanted) => provider.grantTakeover(wanted, 'server'))!;
    const agreed = [1, 2, 3].map(negotiate);
    for (const { answer } of agreed) assert.equal(answer, 'permessage-deflate');
    assert.equal(provider.load.memoryUsed, 3 * ONE);
    assert.equal(provider.load.memoryRefusals, 0);
    const fourth = negotiate();
    assert.equal(provider.load.memoryRefusals, 1);
    assert.equal(fourth.answer, 'permessage-deflate; server_no_context_takeover; client_no_context_takeover');

    // Those that got nothing have nothing to give back; the others have, once.
    provider.releaseTakeover(fourth.parameters);
    assert.equal(provider.load.memoryUsed, 3 * ONE);
    provider.releaseTakeover(agreed[0]!.parameters);
    provider.releaseTakeover(agreed[0]!.parameters);
    assert.equal(provider.load.memoryUsed, 2 * ONE);
    assert.equal(negotiate().answer, 'permessage-deflate');
    assert.match(negotiate().answer, /server_no_context_takeover/);
  });

  test(`asking twice for the same connection takes memory once (${path})`, () => {
    const { provider } = makeProvider(path, { takeover: true, memoryBudget: 3 * ONE });
    const agreed = takeover();
    for (let i = 0; i < 5; i++) assert.equal(provider.grantTakeover(agreed, 'server'), true);
    assert.equal(provider.load.memoryUsed, ONE);
  });

  test(`a window is not kept without a grant (${path})`, () => {
    const { provider } = makeProvider(path, { takeover: true });
    const agreed = takeover();
    assert.throws(() => provider.createInflater(agreed, 'server'), /no takeover was granted/);
    assert.throws(() => provider.createDeflater(agreed, 'server'), /no takeover was granted/);
    provider.grantTakeover(agreed, 'server');
    provider.createInflater(agreed, 'server').close();
    provider.releaseTakeover(agreed);
    assert.throws(() => provider.createInflater(agreed, 'server'), /no takeover was granted/);
  });

  test(`what was granted is given back once, in whatever order a connection ends (${path})`, async () => {
    const { provider } = makeProvider(path, { takeover: true, memoryBudget: ONE });
    const small = new Random(1).bytes(500);
    const large = new Random(2).bytes(300_000);
    for (const used of [[], [small], [small, large]]) {
      for (const releaseFirst of [true, false]) {
        const agreed = takeover();
        assert.ok(provider.grantTakeover(agreed, 'server'));
        const deflater = provider.createDeflater(agreed, 'server');
        const inflater = provider.createInflater(agreed, 'server');
        for (const message of used) await assertRoundTrip(deflater, inflater, message);
        assert.equal(provider.load.memoryUsed, ONE);
        if (releaseFirst) provider.releaseTakeover(agreed);
        deflater.close();
        deflater.close();
        inflater.close();
        provider.releaseTakeover(agreed);
        assert.equal(provider.load.memoryUsed, 0);
      }
    }
  });

  test(`what was granted is given back once where a job still runs, or waits (${path})`, async () => {
    const { provider, jobs } = makeProvider(path, { takeover: true, memoryBudget: 40 * ONE });
    const large = new Random(3).bytes(300_000);
    for (const before of [0, jobs.running + 12]) {
      const busy = Array.from({ length: before }, () => deflate(connect(provider, parameters()).deflater, large));
      const agreed = takeover();
      assert.ok(provider.grantTakeover(agreed, 'server'));
      const deflater = provider.createDeflater(agreed, 'server');
      const inflater = provider.createInflater(agreed, 'server');
      deflater.deflate(large, 0, large.length, { onDeflated: unexpected, onDeflateFailed: unexpected });
      inflater.inflate(large, 0, large.length, 1, { onInflated: unexpected, onInflateFailed: unexpected });
      deflater.close();
      inflater.close();
      provider.releaseTakeover(agreed);
      await Promise.all(busy);
      await jobs.idle();
      assert.equal(provider.load.memoryUsed, 0);
      assert.deepEqual([jobs.running, jobs.waiting], [0, 0]);
    }
  });
}
