import { createHmac, createSecretKey, type KeyObject, randomFillSync, timingSafeEqual } from 'node:crypto';
import { WireError } from '@pulsebeacon/wire';
import type { Grant, Principal } from './access.ts';

/** What a client is known by when it returns, by whatever transport, to whatever node. */
export interface Session {
  /** Random, 128 bits: whom presence means. */
  readonly client: string;
  readonly principal: Principal | undefined;
}

interface Claims {
  readonly v: 1;
  readonly c: string;
  readonly p?: { readonly i: string; readonly g: readonly Grant[] };
  readonly e: number;
}

const PURPOSE = 'pulsebeacon session v1';

const ID_BYTES = 16;
/** Random bytes for the next ids: to ask for many takes as long as to ask for a few. */
const pool = Buffer.allocUnsafeSlow(256 * ID_BYTES);
let used = pool.length;

/** A session that begins. */
export function newSession(principal: Principal | undefined): Session {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const client = pool.toString('base64url', used, used + ID_BYTES);
  used += ID_BYTES;
  return { client, principal };
}

/**
 * Writes and reads session tokens: who somebody is, signed with a key that all nodes share, so that none has to remember.
 * `claims.mac`, both base64url; the mac is HMAC-SHA256 over the claims as they stand.
 */
export class SessionTokens {
  readonly lifetimeMs: number;
  /** Made once: from bytes, every signature would make it anew. */
  private readonly key: KeyObject;

  /** @param secret at least 16 bytes, the same for all nodes */
  constructor(secret: string | Uint8Array, lifetimeMs: number) {
    // A key of its own, so that the secret may serve elsewhere, too.
    this.key = createSecretKey(createHmac('sha256', secret).update(PURPOSE).digest());
    this.lifetimeMs = lifetimeMs;
  }

  issue({ client, principal }: Session, now: number = Date.now()): string {
    const claims: Claims = {
      v: 1,
      c: client,
      ...(principal === undefined ? {} : { p: { i: principal.id, g: principal.grants } }),
      e: now + this.lifetimeMs,
    };
    const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return `${text}.${this.sign(text)}`;
  }

  /** @throws {WireError} `PB_SESSION_INVALID`, `PB_SESSION_EXPIRED` */
  read(token: string, now: number = Date.now()): Session {
    const dot = token.indexOf('.');
    const text = token.slice(0, Math.max(0, dot));
    // Compared as text: what base64 leaves open about its last character is not open here.
    const given = Buffer.from(token.slice(dot + 1));
    const expected = Buffer.from(this.sign(text));
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new WireError('PB_SESSION_INVALID');
    }
    const { v, c, p, e } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Claims;
    if (v !== 1) throw new WireError('PB_SESSION_INVALID');
    if (e <= now) throw new WireError('PB_SESSION_EXPIRED');
    return { client: c, principal: p === undefined ? undefined : { id: p.i, grants: p.g } };
  }

  private sign(text: string): string {
    return createHmac('sha256', this.key).update(text).digest('base64url');
  }
}
