import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { NodeDeflateProvider } from '#dist/node/deflate/provider.js';
import { ZlibPools } from '#dist/node/deflate/zlib-pools.js';
import { deflate, hex, type Inflated, inflate, parameters, PATHS, TAIL } from './deflate.ts';
import type { ConversationInput, DeflateInput, PayloadInput } from './deflate-inputs.ts';
import { ReferenceDecoder, referenceInflate } from './reference-inflate.ts';

const LAST_BLOCK = hex('01 00 00 ff ff');
const HELLO = hex('f2 48 cd c9 c9 07 00');
const LARGEST_WINDOW = 32_768;

/** What a payload means. `made`: what came out before an error. */
type Meaning =
  | { readonly message: Buffer; readonly made: number }
  | { readonly message: undefined; readonly made: number };

/** By RFC 1951 and 7692 §7.2.2 alone: the message, if the payload is whole. */
export function meaningOf(payload: Uint8Array): Meaning {
  const decoder = new ReferenceDecoder(Buffer.concat([payload, TAIL, LAST_BLOCK]));
  const invalid = (): Meaning => ({ message: undefined, made: decoder.out.length });
  // As inflate-run.ts has it: a message of nothing but ends of streams is refused.
  let streamsLeft = payload.length === 0 ? 0 : 16 + Math.floor(payload.length / 256);
  try {
    for (;;) {
      decoder.stream();
      const { left } = decoder;
      const isWhole = left === 0 || left === LAST_BLOCK.length || left === TAIL.length + LAST_BLOCK.length;
      if (isWhole) return { message: Buffer.from(decoder.out), made: decoder.out.length };
      if (left < TAIL.length + LAST_BLOCK.length || streamsLeft-- === 0) return invalid();
    }
  } catch {
    return invalid();
  }
}

/** The contexts that all inputs share: what one of them spoils, another one meets. */
const pools = new ZlibPools();

/** Both ways to zlib, on the event loop and off it. */
const SHARED = PATHS.flatMap((path) => [false, true].map((off) => ({ path, off, provider: provide(path, off, {}) })));

function provide(path: (typeof PATHS)[number], off: boolean, options: { level?: number; memLevel?: number }) {
  const inlineLimit = off ? 0 : 16 * 1024;
  return new NodeDeflateProvider({ ...options, inlineLimit, takeover: true, memoryBudget: 2 ** 30 }, { path, pools });
}

/**
 * Holds what must be true of any input whatever: nothing throws; both ways to zlib find in a payload what the RFCs say
 * it means; what was compressed comes back and keeps to its window; and no input changes what another one means.
 *
 * @returns how each message ended
 */
export async function checkDeflateInput(input: DeflateInput): Promise<string[]> {
  return input.type === 'payload' ? [await checkPayload(input)] : checkConversation(input);
}

async function checkPayload({ payload, limit, off }: PayloadInput): Promise<string> {
  const meaning = meaningOf(payload);
  for (const shared of SHARED) {
    if (shared.off !== off) continue;
    const inflater = shared.provider.createInflater(parameters(), 'server');
    const result = await inflate(inflater, payload, limit);
    checkMeaning(result, meaning, limit, shared.path);
    const { message } = await inflate(inflater, HELLO);
    assert.equal(message?.toString(), 'Hello', `${shared.path}: the next message`);
    inflater.close();
  }
  if (meaning.made > limit) return 'PB_MESSAGE_TOO_BIG';
  return meaning.message === undefined ? 'PB_DEFLATE_INVALID' : 'inflated';
}

function checkMeaning({ message, code }: Inflated, meaning: Meaning, limit: number, path: string): void {
  if (meaning.made > limit) {
    // Which of two errors is met first depends on how far zlib went at once.
    const expected = meaning.message === undefined && code === 'PB_DEFLATE_INVALID' ? code : 'PB_MESSAGE_TOO_BIG';
    assert.equal(code, expected, path);
  } else if (meaning.message === undefined) {
    assert.equal(code, 'PB_DEFLATE_INVALID', path);
  } else {
    assert.equal(code, undefined, path);
    assert.ok(message!.equals(meaning.message), `${path}: another message`);
  }
}

async function checkConversation(input: ConversationInput): Promise<string[]> {
  const endings: string[] = [];
  const isServer = input.from === 'server';
  const keeps = !(isServer ? input.parameters.serverNoContextTakeover : input.parameters.clientNoContextTakeover);
  const windowBits = isServer ? input.parameters.serverMaxWindowBits : input.parameters.clientMaxWindowBits;
  for (const path of PATHS) {
    const provider = provide(path, input.off, { level: input.level, memLevel: input.memLevel });
    const [sending, receiving] = [{ ...input.parameters }, { ...input.parameters }];
    assert.ok(provider.grantTakeover(sending, input.from));
    assert.ok(provider.grantTakeover(receiving, isServer ? 'client' : 'server'));
    const deflater = provider.createDeflater(sending, input.from);
    const inflater = provider.createInflater(receiving, isServer ? 'client' : 'server');
    let window = Buffer.alloc(0);
    for (const step of input.steps) {
      if (step.type === 'reset') {
        deflater.reset();
      } else if (step.type === 'other') {
        const other = provider.createInflater(parameters(), 'server');
        checkMeaning(await inflate(other, step.payload), meaningOf(step.payload), Infinity, path);
        other.close();
      } else {
        const { payload } = await deflate(deflater, step.bytes);
        const decoded = referenceInflate(Buffer.concat([payload, TAIL]), window);
        assert.ok(step.bytes.equals(decoded.bytes), `${path}: compressed to something else`);
        assert.ok(decoded.farthest <= 2 ** windowBits, `${path}: a match ${decoded.farthest} bytes back`);
        if (keeps) window = Buffer.concat([window, step.bytes]).subarray(-LARGEST_WINDOW);
        const { message, code } = await inflate(inflater, payload, step.bytes.length);
        assert.ok(message?.equals(step.bytes), `${path}: came back as ${code ?? 'something else'}`);
        endings.push('there and back');
      }
    }
    deflater.close();
    inflater.close();
    provider.releaseTakeover(sending);
    provider.releaseTakeover(receiving);
    assert.equal(provider.load.memoryUsed, 0, `${path}: memory was not given back`);
  }
  return endings;
}
