import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import v8 from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import type { ExtensionOffer } from '#dist/protocol/extension-offer.js';
import {
  acceptDeflateAnswer,
  type DeflateWishes,
  negotiateDeflate,
  offerDeflate,
  PERMESSAGE_DEFLATE,
} from '#dist/protocol/permessage-deflate.js';
import { checkDeflateInput, meaningOf } from '../support/check-deflate.ts';
import {
  assertRoundTrip,
  connect,
  hex,
  inflate,
  makePair,
  makeProvider,
  parameters,
  PATHS,
  takeover,
} from '../support/deflate.ts';
import { makeDeflateInput } from '../support/deflate-inputs.ts';
import { budget, figures, inputs, SEED } from './budget.ts';

const HELLO = hex('f2 48 cd c9 c9 07 00');

const windowBits = fc.integer({ min: 8, max: 15 });

const agreements = fc.record({
  serverNoContextTakeover: fc.boolean(),
  clientNoContextTakeover: fc.boolean(),
  serverMaxWindowBits: windowBits,
  clientMaxWindowBits: windowBits,
});

const word = fc.uint8Array({ minLength: 1, maxLength: 40 });

const messages = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  fc
    .array(word, { minLength: 1, maxLength: 12 })
    .chain((words) =>
      fc.array(fc.constantFrom(...words), { maxLength: 300 }).map((parts) => new Uint8Array(Buffer.concat(parts))),
    ),
  fc
    .tuple(fc.integer({ min: 0, max: 60_000 }), fc.nat(255))
    .map(([length, value]) => new Uint8Array(length).fill(value)),
);

test('what was compressed comes back: every agreement, in both directions, message after message', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...PATHS),
      agreements,
      fc.record({
        level: fc.integer({ min: 1, max: 9 }),
        memLevel: fc.integer({ min: 1, max: 9 }),
        inlineLimit: fc.constantFrom(0, 500, 16_384),
      }),
      fc.array(fc.tuple(fc.boolean(), messages, fc.boolean()), { minLength: 1, maxLength: 6 }),
      async (path, agreed, options, sent) => {
        const { server, client, provider } = makePair(path, agreed, {
          ...options,
          takeover: true,
          memoryBudget: 2 ** 30,
        });
        for (const [fromServer, message, reset] of sent) {
          const [from, to] = fromServer ? [server, client] : [client, server];
          if (reset) from.deflater.reset();
          await assertRoundTrip(from.deflater, to.inflater, message);
        }
        server.close();
        client.close();
        assert.equal(provider.load.memoryUsed, 0);
      },
    ),
    budget({ test: 300, soak: 30_000 }),
  );
});

test('any bytes whatever: both ways agree with the RFCs, and nobody else notices', async () => {
  const inflaters = PATHS.flatMap((path) =>
    [0, 16_384].map((inlineLimit) => connect(makeProvider(path, { inlineLimit }).provider, parameters()).inflater),
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (payload) => {
      const { message } = meaningOf(payload);
      for (const inflater of inflaters) {
        const result = await inflate(inflater, payload);
        assert.deepEqual(result.message, message);
        assert.equal((await inflate(inflater, HELLO)).message?.toString(), 'Hello');
      }
    }),
    budget({ test: 2_000, soak: 100_000 }),
  );
});

test('any bytes whatever on a window that is kept: refused or read, and nobody else notices', async () => {
  for (const path of PATHS) {
    const { provider } = makeProvider(path, { takeover: true });
    const other = connect(provider, parameters());
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 5 }),
        async (payloads) => {
          const { inflater, close } = connect(provider, takeover());
          for (const payload of [HELLO, ...payloads]) {
            const { code } = await inflate(inflater, payload, 100_000);
            if (code !== undefined) break;
          }
          close();
          assert.equal((await inflate(other.inflater, HELLO)).message?.toString(), 'Hello');
          assert.equal(provider.load.memoryUsed, 0);
        },
      ),
      budget({ test: 700, soak: 50_000 }),
    );
  }
});

test('a limit changes nothing but whether a message is too big', async () => {
  for (const path of PATHS) {
    const { deflater, inflater } = connect(makeProvider(path).provider, parameters());
    await fc.assert(
      fc.asyncProperty(messages, fc.nat(4000), async (message, limit) => {
        const payload = await assertRoundTrip(deflater, inflater, message);
        const { code } = await inflate(inflater, payload, limit);
        assert.equal(code, message.length > limit ? 'PB_MESSAGE_TOO_BIG' : undefined);
      }),
      budget({ test: 300, soak: 20_000 }),
    );
  }
});

const wishes: fc.Arbitrary<DeflateWishes> = fc.record({
  takeover: fc.boolean(),
  serverMaxWindowBits: windowBits,
  clientMaxWindowBits: windowBits,
});

const anyElement: fc.Arbitrary<ExtensionOffer> = fc.record({
  name: fc.oneof({ weight: 5, arbitrary: fc.constant(PERMESSAGE_DEFLATE) }, { weight: 1, arbitrary: fc.string() }),
  parameters: fc
    .array(
      fc.tuple(
        fc.oneof(
          {
            weight: 20,
            arbitrary: fc.constantFrom(
              'server_no_context_takeover',
              'client_no_context_takeover',
              'server_max_window_bits',
              'client_max_window_bits',
            ),
          },
          { weight: 1, arbitrary: fc.string() },
        ),
        fc.oneof(fc.constant(true as const), fc.integer({ min: 6, max: 17 }).map(String), fc.string({ maxLength: 3 })),
      ),
      { maxLength: 4 },
    )
    .map((entries) => new Map<string, string | true>(entries)),
  duplicated: fc.boolean().map((duplicated) => duplicated && false),
});

test('whatever a server answers to our offer, the client accepts, and both ends understand the same', () => {
  fc.assert(
    fc.property(wishes, wishes, fc.boolean(), fc.boolean(), (ours, theirs, grant, theirGrant) => {
      const { offer, granted } = offerDeflate(ours, () => grant);
      assert.equal(granted !== undefined, ours.takeover && grant);
      const agreement = negotiateDeflate([offer], theirs, () => theirGrant)!;
      const { parameters: understood } = acceptDeflateAnswer(agreement.answer, offer);
      const { serverMaxWindowBits } = understood!;
      assert.ok(serverMaxWindowBits >= agreement.parameters.serverMaxWindowBits);
      assert.ok(serverMaxWindowBits <= ours.serverMaxWindowBits);
      assert.ok(understood!.clientMaxWindowBits <= Math.min(ours.clientMaxWindowBits, theirs.clientMaxWindowBits));
      assert.deepEqual(understood, { ...agreement.parameters, serverMaxWindowBits });
    }),
    budget({ test: 3_000, soak: 200_000 }),
  );
});

test('any offer and any answer whatever: nothing throws, and what is agreed on is in its ranges', () => {
  const inRange = (bits: number): boolean => Number.isInteger(bits) && bits >= 8 && bits <= 15;
  fc.assert(
    fc.property(fc.array(anyElement, { maxLength: 3 }), anyElement, wishes, wishes, (offers, answer, ours, theirs) => {
      const agreement = negotiateDeflate(offers, theirs, () => true);
      const result = acceptDeflateAnswer(answer, offerDeflate(ours, () => true).offer);
      assert.notEqual(result.error === undefined, result.parameters === undefined);
      for (const agreed of [agreement?.parameters, result.parameters]) {
        if (agreed === undefined) continue;
        assert.ok(inRange(agreed.serverMaxWindowBits) && inRange(agreed.clientMaxWindowBits));
      }
      if (result.parameters !== undefined) {
        assert.ok(result.parameters.clientMaxWindowBits <= ours.clientMaxWindowBits);
        assert.ok(result.parameters.serverMaxWindowBits <= ours.serverMaxWindowBits);
      }
    }),
    budget({ test: 5_000, soak: 300_000 }),
  );
});

v8.setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function usedMemory(): number {
  for (let i = 0; i < 3; i++) collectGarbage();
  return process.memoryUsage.rss();
}

test('generated payloads and conversations: both ways to zlib mean what the reference decoder says', async (t) => {
  const count = inputs({ test: 4_000, soak: 500_000 });
  const endings: Record<string, number> = {};
  const start = performance.now();
  const warm = Math.ceil(count / 10);
  let usedWhenWarm = 0;
  for (let index = 0; index < count; index++) {
    if (index === warm) usedWhenWarm = usedMemory();
    try {
      for (const ending of await checkDeflateInput(makeDeflateInput(SEED, index))) {
        endings[ending] = (endings[ending] ?? 0) + 1;
      }
    } catch (cause) {
      throw new Error(`input ${index} of seed ${SEED} failed`, { cause });
    }
  }
  const grownBytes = usedMemory() - usedWhenWarm;
  figures(t, {
    what: 'deflate inputs',
    inputs: count,
    seconds: (performance.now() - start) / 1000,
    grownBytes,
    ...endings,
  });
  // In the short form the contexts of all settings are not there yet when it is a tenth done.
  if (count >= 100_000) assert.ok(grownBytes < 24 * 1024 * 1024, `${grownBytes} bytes more`);
  // Every ending occurred often, or this tested less than it says.
  for (const ending of ['there and back', 'inflated', 'PB_DEFLATE_INVALID', 'PB_MESSAGE_TOO_BIG']) {
    assert.ok(endings[ending]! > count / 50, `${ending}: ${endings[ending]} times`);
  }
});
