import { readPosition } from '@pulsebeacon/wire';

/** Where a client is in a channel. Positions are compared here and nowhere else. */
export class Cursor {
  /** What `subscribe` begins with: the last position or, before there is one, what was asked for. */
  since: string | undefined;
  private epoch: string | undefined;
  private offset = -1;

  constructor(since?: string) {
    this.since = since;
    if (since !== undefined) this.set(since);
  }

  /**
   * A publication has come.
   * @returns whether it is a new one; after a change of connections, some come twice
   */
  accept(position: string): boolean {
    if (this.isBehind(position)) return false;
    this.set(position);
    return true;
  }

  /**
   * The server has answered `subscribe`.
   * @param position undefined where the first publication brings one
   * @returns whether something was missed that does not follow
   */
  onSubscribed(position: string | undefined, recovered: boolean): boolean {
    const wasThere = position !== undefined && this.isBehind(position);
    if (position !== undefined && !wasThere && !(recovered && this.epoch !== undefined)) this.set(position);
    // What another connection brought meanwhile was not missed.
    return !recovered && !wasThere;
  }

  /** Whether this or a later place of the same epoch has been reached already. */
  private isBehind(position: string): boolean {
    const at = readPosition(position);
    return at !== undefined && at.epoch === this.epoch && at.offset <= this.offset;
  }

  private set(position: string): void {
    const at = readPosition(position);
    if (at === undefined) return;
    this.since = position;
    this.epoch = at.epoch;
    this.offset = at.offset;
  }
}
