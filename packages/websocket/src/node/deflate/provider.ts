import { constants } from 'node:zlib';
import type { Role } from '../../protocol/opcodes.ts';
import type { DeflateParameters, DeflateWishes } from '../../protocol/permessage-deflate.ts';
import type { Deflater, DeflateProvider, Inflater, InflatePartSink, PartInflater } from '../../protocol/platform.ts';
import { ZlibDeflater } from './deflater.ts';
import { eightBitStrategy } from './eight-bit-window.ts';
import { ZlibInflater } from './inflater.ts';
import { type DeflateHalf, halves, takeoverBytes, type TakeoverGrant } from './memory-budget.ts';
import { type CheckedDeflateOptions, checkDeflateOptions, type DeflateOptions } from './options.ts';
import { NodePartInflater } from './part-inflater.ts';
import { PublicDeflater, PublicInflater } from './public-zlib.ts';
import { privateZlibRefusal, type ZlibSettings } from './zlib-handle.ts';
import { ZlibPools } from './zlib-pools.ts';

/** For tests: which way is taken, and with whose contexts. */
export interface DeflateInternals {
  readonly path?: 'private' | 'public';
  readonly pools?: ZlibPools;
}

/** What permessage-deflate takes right now, over the whole process. */
export interface DeflateLoad {
  /** Messages off the event loop. */
  readonly running: number;
  /** Messages that wait to go there. */
  readonly waiting: number;
  /** Bytes granted for contexts that are kept, and how many may be. */
  readonly memoryUsed: number;
  readonly memoryBudget: number;
  /** Connections so far that the budget did not allow to keep a window. */
  readonly memoryRefusals: number;
}

/** Compression for all connections of a server or a client, over node:zlib. */
export class NodeDeflateProvider implements DeflateProvider {
  readonly wishes: DeflateWishes;
  readonly threshold: number;
  private readonly options: CheckedDeflateOptions;
  private readonly pools: ZlibPools;
  private readonly isPrivate: boolean;
  private readonly grants = new Map<DeflateParameters, TakeoverGrant>();

  /** @throws {UsageError} `PB_OPTION_INVALID`: names the option, its value, and what is allowed */
  constructor(options: DeflateOptions = {}, internals: DeflateInternals = {}) {
    this.options = checkDeflateOptions(options);
    const { takeover, serverMaxWindowBits, clientMaxWindowBits, threshold } = this.options;
    this.wishes = { takeover, serverMaxWindowBits, clientMaxWindowBits };
    this.threshold = threshold;
    this.pools = internals.pools ?? ZlibPools.ofProcess;
    this.isPrivate = (internals.path ?? (privateZlibRefusal() === undefined ? 'private' : 'public')) === 'private';
  }

  get load(): DeflateLoad {
    const { memoryBudget } = this.options;
    const { running, waiting } = this.pools.jobs;
    const { used, size, refusals } = memoryBudget;
    return { running, waiting, memoryUsed: used, memoryBudget: size, memoryRefusals: refusals };
  }

  grantTakeover(parameters: DeflateParameters, role: Role): boolean {
    if (this.grants.has(parameters)) return true;
    const { memoryBudget, memLevel } = this.options;
    const grant = memoryBudget.grant(takeoverBytes(parameters, role, memLevel));
    if (grant === undefined) return false;
    this.grants.set(parameters, grant);
    return true;
  }

  releaseTakeover(parameters: DeflateParameters): void {
    const grant = this.grants.get(parameters);
    if (grant === undefined) return;
    this.grants.delete(parameters);
    grant.drop();
  }

  createInflater(parameters: DeflateParameters, role: Role): Inflater {
    const half = halves(parameters, role).inflate;
    const grant = this.grantFor(parameters, half);
    const settings: ZlibSettings = {
      mode: 'inflate',
      windowBits: inflateWindowBits(half),
      level: 0,
      memLevel: 8,
      strategy: 0,
    };
    const { inlineLimit } = this.options;
    return this.isPrivate
      ? new ZlibInflater(this.pools, this.pools.contexts(settings), grant, inlineLimit)
      : new PublicInflater(this.pools.jobs, settings, half.takeover, inlineLimit);
  }

  createPartInflater(parameters: DeflateParameters, role: Role, sink: InflatePartSink): PartInflater {
    const half = halves(parameters, role).inflate;
    return new NodePartInflater(inflateWindowBits(half), half.takeover, sink);
  }

  createDeflater(parameters: DeflateParameters, role: Role): Deflater {
    const half = halves(parameters, role).deflate;
    const grant = this.grantFor(parameters, half);
    const { level, memLevel, inlineLimit } = this.options;
    const strategy = half.windowBits === 8 ? eightBitStrategy() : constants.Z_DEFAULT_STRATEGY;
    const windowBits = Math.max(half.windowBits, 9);
    const settings: ZlibSettings = { mode: 'deflate', windowBits, level, memLevel, strategy };
    return this.isPrivate
      ? new ZlibDeflater(this.pools, this.pools.contexts(settings), grant, inlineLimit)
      : new PublicDeflater(this.pools.jobs, settings, half.takeover, inlineLimit);
  }

  private grantFor(parameters: DeflateParameters, { takeover }: DeflateHalf): TakeoverGrant | undefined {
    if (!takeover) return undefined;
    const grant = this.grants.get(parameters);
    if (grant === undefined) throw new Error('no takeover was granted for these parameters: call grantTakeover first');
    return grant;
  }
}

/** Whoever keeps no window loses nothing by a large one, and everyone shares it. */
function inflateWindowBits({ takeover, windowBits }: DeflateHalf): number {
  return takeover ? windowBits : 15;
}
