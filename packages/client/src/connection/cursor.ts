import { type Position, readPosition } from '@pulsebeacon/wire';

/** Where a client is in a channel. Positions are compared here and nowhere else. */
export class Cursor {
  /** What `subscribe` begins with: the last position or, before there is one, what was asked for. */
  since: string | undefined;
  private at: Position | undefined;

  constructor(since?: string) {
    this.since = since;
    this.at = readPosition(since ?? '');
  }

  /**
   * A publication has come.
   * @returns whether it is a new one; after a change of connections, some come twice
   */
  accept(position: string): boolean {
    const at = readPosition(position);
    if (this.isBehind(at)) return false;
    this.set(position, at);
    return true;
  }

  /**
   * The server has answered `subscribe`.
   * @param position undefined where the first publication brings one
   * @returns whether something was missed that does not follow
   */
  onSubscribed(position: string = '', recovered: boolean): boolean {
    const at = readPosition(position);
    const wasThere = this.isBehind(at);
    if (!wasThere && !(recovered && this.at !== undefined)) this.set(position, at);
    // What another connection brought meanwhile was not missed.
    return !recovered && !wasThere;
  }

  /** Whether this or a later place of the same epoch has been reached already. */
  private isBehind(at: Position | undefined): boolean {
    return at !== undefined && at.epoch === this.at?.epoch && at.offset <= this.at.offset;
  }

  private set(position: string, at: Position | undefined): void {
    if (at === undefined) return;
    this.since = position;
    this.at = at;
  }
}
