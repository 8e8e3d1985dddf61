/**
 * One timer for all deadlines of all connections. An entry is in one slot of a wheel; when its slot comes round, the
 * entry says itself whether anything is due and when to look again. So traffic never touches a timer: it only notes
 * the tick at which it happened.
 */

/** How long a tick is, in milliseconds. Deadlines fire up to two ticks late, never early. */
export const TICK_MS = 100;

const SLOTS = 512; // a power of two: 51.2 s once round; later deadlines go round more than once

/**
 * Most ticks that are made up for at once. Where the process stood still for longer (a stopped or suspended machine, a
 * debugger), the rest counts for nobody: a peer has to be heard before its silence is judged.
 */
const MOST_AT_ONCE = 10;

export interface WheelEntry {
  wheelNext: WheelEntry | null;
  wheelPrevious: WheelEntry | null;
  /** The tick at which {@link onTick} is called; -1 while the entry is in no wheel. */
  wheelDue: number;
  /**
   * A deadline may have passed. An entry that another one cancelled in this same tick may still be called once.
   * @returns the tick at which to be called next, or -1 for not at all
   */
  onTick(now: number): number;
}

/** Milliseconds as ticks from now: rounded up, and one more because the current tick has begun; Infinity stays. */
export function ticks(milliseconds: number): number {
  return Math.ceil(milliseconds / TICK_MS) + 1;
}

export class TimerWheel {
  private readonly clock: () => number;
  private readonly slots: (WheelEntry | null)[] = Array.from({ length: SLOTS }, () => null);
  /** What the tick that is being worked on found due. */
  private readonly due: WheelEntry[] = [];
  private timer: ReturnType<typeof setInterval> | undefined;
  private size = 0;
  private startedAt = 0;
  private advancing = false;

  /** The current tick. Read it for "now"; it moves only while the wheel holds an entry. */
  now = 0;

  /** @param clock milliseconds, monotonic; replaced in tests */
  constructor(clock: () => number = () => performance.now()) {
    this.clock = clock;
  }

  /** Has `entry` called at tick `due`, or at the next tick where that has passed. Replaces what it had before. */
  schedule(entry: WheelEntry, due: number): void {
    if (entry.wheelDue !== -1) this.unlink(entry);
    if (this.size++ === 0) this.start();
    entry.wheelDue = Math.max(due, this.now + 1);
    const slot = entry.wheelDue & (SLOTS - 1);
    const head = this.slots[slot]!;
    entry.wheelPrevious = null;
    entry.wheelNext = head;
    if (head !== null) head.wheelPrevious = entry;
    this.slots[slot] = entry;
  }

  /** As {@link schedule}, unless `entry` is already called as early. */
  scheduleBy(entry: WheelEntry, due: number): void {
    if (entry.wheelDue === -1 || due < entry.wheelDue) this.schedule(entry, due);
  }

  cancel(entry: WheelEntry): void {
    if (entry.wheelDue === -1) return;
    this.unlink(entry);
    if (this.size === 0 && !this.advancing) this.stop();
  }

  /** Moves to the tick that the clock says. Called by the timer; by hand in tests. */
  advance(): void {
    let target = Math.floor((this.clock() - this.startedAt) / TICK_MS);
    const skipped = target - this.now - MOST_AT_ONCE;
    if (skipped > 0) {
      this.startedAt += skipped * TICK_MS;
      target -= skipped;
    }
    this.advancing = true;
    while (this.now < target) {
      this.now++;
      this.turn(this.now);
    }
    this.advancing = false;
    if (this.size === 0) this.stop();
  }

  private turn(now: number): void {
    let entry = this.slots[now & (SLOTS - 1)]!;
    while (entry !== null) {
      // onTick may cancel or schedule any entry, so the next one is looked up from a detached list of what is due.
      const next: WheelEntry | null = entry.wheelNext;
      if (entry.wheelDue <= now) {
        this.unlink(entry);
        this.due.push(entry);
      }
      entry = next!;
    }
    for (let i = 0; i < this.due.length; i++) {
      const due = this.due[i]!;
      // Scheduled again by an earlier entry's onTick: that call decided.
      if (due.wheelDue !== -1) continue;
      const again = due.onTick(now);
      if (again !== -1) this.scheduleBy(due, again);
    }
    this.due.length = 0;
  }

  private unlink(entry: WheelEntry): void {
    const { wheelNext, wheelPrevious } = entry;
    if (wheelNext !== null) wheelNext.wheelPrevious = wheelPrevious;
    if (wheelPrevious === null) this.slots[entry.wheelDue & (SLOTS - 1)] = wheelNext;
    else wheelPrevious.wheelNext = wheelNext;
    entry.wheelNext = null;
    entry.wheelPrevious = null;
    entry.wheelDue = -1;
    this.size--;
  }

  private start(): void {
    // Inside a turn, whose only entry is scheduled again: it never stopped.
    if (this.timer !== undefined) return;
    // The ticks that passed while the wheel was empty count for nobody.
    this.startedAt = this.clock() - this.now * TICK_MS;
    this.timer = setInterval(() => this.advance(), TICK_MS);
    this.timer.unref();
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
