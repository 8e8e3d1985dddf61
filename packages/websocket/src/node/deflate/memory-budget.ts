import { UsageError } from '../../connection/errors.ts';
import type { Role } from '../../protocol/opcodes.ts';
import type { DeflateParameters } from '../../protocol/permessage-deflate.ts';

const MIB = 1024 * 1024;

/** What all zlib contexts that are kept for connections may take together: some 200 connections at the defaults. */
export const DEFAULT_BUDGET: number = 64 * MIB;

/**
 * How much memory the process gives to zlib contexts that belong to one connection (takeover). One budget may serve
 * several servers; {@link DeflateMemoryBudget.ofProcess} does unless told otherwise. Nothing else is charged to it:
 * contexts that connections share are few.
 */
export class DeflateMemoryBudget {
  /** The budget of the process: 64 MiB. */
  static readonly ofProcess: DeflateMemoryBudget = new DeflateMemoryBudget(DEFAULT_BUDGET);

  /** Bytes that are granted at most; 0 grants nothing. */
  readonly size: number;
  private taken = 0;
  private refused = 0;

  /** @throws {UsageError} `PB_OPTION_INVALID` */
  constructor(size: number) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new UsageError(
        'PB_OPTION_INVALID',
        `the size of a DeflateMemoryBudget is ${String(size)}: pass a whole number of bytes, 0 or more`,
      );
    }
    this.size = size;
  }

  /** Bytes granted now. */
  get used(): number {
    return this.taken;
  }

  /** How often there was not enough. */
  get refusals(): number {
    return this.refused;
  }

  /** Takes `bytes`, or nothing where they are not there. */
  grant(bytes: number): TakeoverGrant | undefined {
    if (bytes > this.size - this.taken) {
      this.refused++;
      return undefined;
    }
    this.taken += bytes;
    return new TakeoverGrant(() => {
      this.taken -= bytes;
    });
  }
}

/** Memory set aside for one connection. Given back when nobody holds it any more; whoever got it from a budget does. */
export class TakeoverGrant {
  private holders = 1;
  private readonly giveBack: () => void;

  constructor(giveBack: () => void) {
    this.giveBack = giveBack;
  }

  hold(): void {
    this.holders++;
  }

  /** Once for each `hold`, and once by the first holder. */
  drop(): void {
    if (--this.holders === 0) this.giveBack();
  }
}

/**
 * Bytes that a kept deflate context takes (zlib's zconf.h, with the state and what Node adds). The zlib of Node does
 * not make its hash table smaller than 64 KiB, so a memLevel below 8 saves less than zlib's documentation says.
 */
export function deflateContextBytes(windowBits: number, memLevel: number): number {
  const window = 1 << (Math.max(windowBits, 9) + 2);
  const hash = Math.max(1 << (memLevel + 8), 64 * 1024);
  const pending = 1 << (memLevel + 8);
  return window + hash + pending + 12 * 1024;
}

/** Bytes that a kept inflate context takes. */
export function inflateContextBytes(windowBits: number): number {
  return (1 << windowBits) + 8 * 1024;
}

/** What one connection keeps, in both directions together; 0 where no window is taken over. */
export function takeoverBytes(parameters: DeflateParameters, role: Role, memLevel: number): number {
  const { deflate, inflate } = halves(parameters, role);
  return (
    (deflate.takeover ? deflateContextBytes(deflate.windowBits, memLevel) : 0) +
    (inflate.takeover ? inflateContextBytes(inflate.windowBits) : 0)
  );
}

/** One direction of a connection. */
export interface DeflateHalf {
  readonly takeover: boolean;
  readonly windowBits: number;
}

/** The agreed parameters as one end sees them: what it deflates with and what it inflates with (RFC 7692 §7). */
export function halves(parameters: DeflateParameters, role: Role): { deflate: DeflateHalf; inflate: DeflateHalf } {
  const server = { takeover: !parameters.serverNoContextTakeover, windowBits: parameters.serverMaxWindowBits };
  const client = { takeover: !parameters.clientNoContextTakeover, windowBits: parameters.clientMaxWindowBits };
  return role === 'server' ? { deflate: server, inflate: client } : { deflate: client, inflate: server };
}
