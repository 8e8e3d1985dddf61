import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const TIME_BYTES = 6;
const RANDOM_BYTES = 12;
const MAC_BYTES = 16;
const BODY_BYTES = TIME_BYTES + RANDOM_BYTES;

/** So many nonces that were used are remembered, with the number of their last use. */
const MOST_USED = 10_000;

interface Use {
  readonly made: number;
  count: number;
}

/**
 * The nonces of a server (RFC 7616 §3.3). Handing one out costs no memory: it carries the time of its making and is
 * signed. One that was used is remembered with its count until it is too old, so that nothing is accepted twice (§3.4).
 */
export class DigestNonces {
  private readonly lifetime: number;
  private readonly key: Buffer = randomBytes(32);
  private readonly used = new Map<string, Use>();
  /** Whatever was made by then is too old: some of its uses were forgotten, for there were too many. */
  private forgotten = 0;

  /** @param lifetime in milliseconds */
  constructor(lifetime: number) {
    this.lifetime = lifetime;
  }

  make(): string {
    const body = Buffer.allocUnsafe(BODY_BYTES);
    body.writeUIntBE(Date.now(), 0, TIME_BYTES);
    randomBytes(RANDOM_BYTES).copy(body, TIME_BYTES);
    return Buffer.concat([body, this.sign(body)]).toString('base64url');
  }

  /** Whether we made it, and not too long ago. */
  isFresh(nonce: string): boolean {
    const made = this.timeOf(nonce);
    return made !== undefined && made > this.forgotten && Date.now() - made <= this.lifetime;
  }

  /**
   * Takes note that a fresh nonce was used for the `count`th time.
   * @returns false where it had been already, or a later time had been
   */
  use(nonce: string, count: number): boolean {
    const use = this.used.get(nonce);
    if (count <= (use?.count ?? 0)) return false;
    if (use === undefined) this.remember(nonce, count);
    else use.count = count;
    return true;
  }

  private remember(nonce: string, count: number): void {
    for (const [old, { made }] of this.used) {
      const isOld = Date.now() - made > this.lifetime;
      if (!isOld && this.used.size < MOST_USED) break;
      this.used.delete(old);
      if (!isOld) this.forgotten = Math.max(this.forgotten, made);
    }
    this.used.set(nonce, { made: this.timeOf(nonce)!, count });
  }

  /** When it was made; undefined where it was not made here. */
  private timeOf(nonce: string): number | undefined {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== BODY_BYTES + MAC_BYTES || bytes.toString('base64url') !== nonce) return undefined;
    const body = bytes.subarray(0, BODY_BYTES);
    if (!timingSafeEqual(bytes.subarray(BODY_BYTES), this.sign(body))) return undefined;
    return body.readUIntBE(0, TIME_BYTES);
  }

  private sign(body: Buffer): Buffer {
    return createHmac('sha256', this.key).update(body).digest().subarray(0, MAC_BYTES);
  }
}
