import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import type { DeflateOptions } from '#dist/node/deflate/options.js';
import { NodeDeflateProvider } from '#dist/node/deflate/provider.js';
import { ZlibJobs } from '#dist/node/deflate/zlib-jobs.js';
import { ZlibPools } from '#dist/node/deflate/zlib-pools.js';
import type { Role } from '#dist/protocol/opcodes.js';
import type { DeflateParameters } from '#dist/protocol/permessage-deflate.js';
import type { Deflater, Inflater } from '#dist/protocol/platform.js';
import type { ViolationCode } from '#dist/protocol/violations.js';

/** The two ways to zlib; what ships has to hold on both. */
export const PATHS = ['private', 'public'] as const;
export type Path = (typeof PATHS)[number];

/** What a sender takes off every message (RFC 7692 §7.2.1). */
export const TAIL: Buffer = Buffer.from([0x00, 0x00, 0xff, 0xff]);

export const NO_LIMIT = 1024 * 1024 * 1024;

export function parameters(changes: Partial<DeflateParameters> = {}): DeflateParameters {
  return {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
    ...changes,
  };
}

/** Parameters with takeover in both directions. */
export function takeover(changes: Partial<DeflateParameters> = {}): DeflateParameters {
  return parameters({ serverNoContextTakeover: false, clientNoContextTakeover: false, ...changes });
}

/** Jobs that can be waited for. */
export class WatchedJobs extends ZlibJobs {
  private readonly waiters: (() => void)[] = [];

  /** Resolves when no job runs and none waits, those of closed connections too. */
  async idle(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => this.waiters.push(resolve));
  }

  override ended(): void {
    super.ended();
    if (this.running === 0) for (const resolve of this.waiters.splice(0)) resolve();
  }
}

/** A provider with contexts and turns of its own, so that a test sees nothing of the others. */
export function makeProvider(path: Path, options: DeflateOptions = {}, jobs: WatchedJobs = new WatchedJobs()) {
  const pools = new ZlibPools(jobs);
  return { provider: new NodeDeflateProvider(options, { path, pools }), pools, jobs };
}

/** Both halves of one connection. */
export function connect(provider: NodeDeflateProvider, agreed: DeflateParameters, role: Role = 'server') {
  const keeps = !agreed.serverNoContextTakeover || !agreed.clientNoContextTakeover;
  if (keeps) assert.ok(provider.grantTakeover(agreed, role), 'takeover was not granted');
  const deflater = provider.createDeflater(agreed, role);
  const inflater = provider.createInflater(agreed, role);
  const close = (): void => {
    deflater.close();
    inflater.close();
    provider.releaseTakeover(agreed);
  };
  return { deflater, inflater, close };
}

/** The two ends of a connection. */
export function makePair(path: Path, agreed: DeflateParameters, options: DeflateOptions = {}) {
  const { provider, pools, jobs } = makeProvider(path, options);
  const server = connect(provider, agreed, 'server');
  const client = connect(provider, { ...agreed }, 'client');
  return { server, client, provider, pools, jobs };
}

/** What became of a message, on the event loop or off it. */
export interface Deflated {
  readonly payload: Buffer;
  readonly inline: boolean;
}

export type Inflated =
  | { readonly message: Buffer; readonly code?: undefined; readonly inline: boolean }
  | { readonly message?: undefined; readonly code: ViolationCode; readonly inline: boolean };

const copy = (bytes: Uint8Array, start: number, end: number): Buffer => Buffer.from(bytes.subarray(start, end));

/** Surrounds the message with other bytes, as it lies in a read buffer, and overwrites all of it after the call. */
function lend<T>(message: Uint8Array, use: (bytes: Uint8Array, start: number, end: number) => T): T {
  const lent = Buffer.alloc(message.length + 11, 0xee);
  lent.set(message, 7);
  const result = use(lent, 7, 7 + message.length);
  assert.ok(lent.subarray(7, 7 + message.length).equals(message), 'the input was written to');
  lent.fill(0xdd);
  return result;
}

export function deflate(deflater: Deflater, message: Uint8Array): Promise<Deflated> {
  return new Promise((resolve, reject) => {
    let returned = false;
    let told = 0;
    const inline = lend(message, (bytes, start, end) =>
      deflater.deflate(bytes, start, end, {
        onDeflated(output, from, to) {
          assert.equal(++told, 1, 'the sink was called twice');
          const payload = copy(output, from, to);
          resolve({ payload, inline: !returned });
        },
        onDeflateFailed: (cause) => reject(new Error('not deflated', { cause })),
      }),
    );
    returned = true;
    assert.equal(inline, told === 1, 'deflate returned something else than it did');
  });
}

export function inflate(inflater: Inflater, payload: Uint8Array, limit: number = NO_LIMIT): Promise<Inflated> {
  return new Promise((resolve) => {
    let returned = false;
    let told = 0;
    const tell = (result: { message: Buffer } | { code: ViolationCode }): void => {
      assert.equal(++told, 1, 'the sink was called twice');
      resolve({ ...result, inline: !returned });
    };
    const inline = lend(payload, (bytes, start, end) =>
      inflater.inflate(bytes, start, end, limit, {
        onInflated: (output, from, to) => tell({ message: copy(output, from, to) }),
        onInflateFailed: (code) => tell({ code }),
      }),
    );
    returned = true;
    assert.equal(inline, told === 1, 'inflate returned something else than it did');
  });
}

/** There and back. */
export async function assertRoundTrip(deflater: Deflater, inflater: Inflater, message: Uint8Array): Promise<Buffer> {
  const { payload } = await deflate(deflater, message);
  const inflated = await inflate(inflater, payload);
  assert.ok(inflated.message?.equals(message), `${message.length} bytes came back as ${inflated.code ?? 'others'}`);
  return payload;
}

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/0x|\s/g, ''), 'hex');
}
