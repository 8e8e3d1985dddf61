/** Somebody who is to hear something now and then. */
export interface HeartbeatTarget {
  /** Whether nothing was sent since this was last set; whoever sends, unsets it. */
  isQuiet: boolean;
  /** Sends something. */
  beat(): void;
}

/** They take turns, so that not all of them are sent something at once. */
const GROUPS = 8;

/** Sees to it that something is sent at least once in a period, with one timer for all and no clock on the way of a message. */
export class Heartbeats {
  private readonly tickMs: number;
  private readonly groups: readonly Set<HeartbeatTarget>[] = Array.from({ length: GROUPS }, () => new Set());
  private turn = 0;
  private next = 0;
  private size = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param periodMs in which something is sent: a target that was quiet for half of it is sent a beat by its end */
  constructor(periodMs: number) {
    this.tickMs = Math.max(1, Math.floor(periodMs / 2 / GROUPS));
  }

  /** @returns ends it */
  add(target: HeartbeatTarget): () => void {
    const group = this.groups[this.next]!;
    this.next = (this.next + 1) % GROUPS;
    group.add(target);
    this.size++;
    this.timer ??= setInterval(() => this.tick(), this.tickMs).unref();
    return () => {
      if (!group.delete(target) || --this.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    };
  }

  private tick(): void {
    const group = this.groups[this.turn]!;
    this.turn = (this.turn + 1) % GROUPS;
    for (const target of group) {
      if (target.isQuiet) target.beat();
      else target.isQuiet = true;
    }
  }
}
