import type { ConnectionErrorCode } from './errors.ts';
import type { ConnectionTimes } from './shared.ts';
import type { TimerWheel, WheelEntry } from './timer-wheel.ts';

/** Whose deadlines they are. */
export interface DeadlineOwner {
  readonly shared: { readonly wheel: TimerWheel; readonly times: ConnectionTimes };
  /** The connection is open: pings are sent, and the peer's silence is measured. */
  readonly isOpen: boolean;
  readonly isClosed: boolean;
  /** Output is held, because the peer does not read, and that has consequences. */
  readonly isHeld: boolean;
  /** We do not read, for whatever reason: then the peer's silence says nothing. */
  readonly isReadingPaused: boolean;
  /** A message has begun and is not complete. */
  readonly isInsideMessage: boolean;
  ping(): void;
  /** A deadline passed. */
  fail(code: ConnectionErrorCode): unknown;
  /** No progress for `writeTimeout`: the slow-consumer policy decides. */
  onWriteTimeout(): void;
  /** The closing handshake took too long. */
  onCloseTimeout(): void;
  /** The connection has failed, the peer was told, and may still be sending. */
  readonly isLingering: boolean;
  /** The peer of a failed connection has stopped sending. */
  onQuiet(): void;
}

/** Ticks without a byte after which the peer of a failed connection has probably stopped sending. */
const QUIET = 3;

/** Later than any tick; a small integer, where Infinity would be an object of its own in every connection. */
const NEVER = 0x3fff_ffff;

/**
 * Everything of a connection that depends on time. What happens is only noted, as the tick at which it did; the wheel
 * calls when the earliest deadline could have passed, and only then is anything compared.
 */
export class Deadlines implements WheelEntry {
  private readonly owner: DeadlineOwner;
  private receivedAt: number;
  private messageAt: number;
  private messageBeganAt = 0;
  private pingSentAt = -1;
  private progressAt = 0;
  private closeDue = NEVER;
  wheelNext: WheelEntry | null = null;
  wheelPrevious: WheelEntry | null = null;
  wheelDue = -1;

  constructor(owner: DeadlineOwner) {
    this.owner = owner;
    const { wheel, times } = owner.shared;
    this.receivedAt = this.messageAt = wheel.now;
    this.schedule(Math.min(times.pingInterval, times.idleTimeout));
  }

  noteReceived(): void {
    this.receivedAt = this.owner.shared.wheel.now;
  }

  noteMessage(): void {
    this.messageAt = this.owner.shared.wheel.now;
  }

  /** Reading goes on after a pause: until now, nothing could come. */
  noteResumed(): void {
    this.receivedAt = this.messageAt = this.messageBeganAt = this.owner.shared.wheel.now;
    this.pingSentAt = -1;
  }

  /** A message has begun whose end has not arrived. */
  noteMessageBegan(): void {
    this.messageBeganAt = this.owner.shared.wheel.now;
    this.schedule(this.owner.shared.times.messageTimeout);
  }

  /** Some bytes of a message have come whose end has not: nobody waits for all of it, so progress counts. */
  noteMessageProgress(): void {
    this.messageAt = this.messageBeganAt = this.owner.shared.wheel.now;
  }

  /** Output begins to wait, or some of it was written. */
  noteProgress(): void {
    this.progressAt = this.owner.shared.wheel.now;
    this.schedule(this.owner.shared.times.writeTimeout);
  }

  /** The closing handshake has begun, by either side. */
  noteClosing(): void {
    const { wheel, times } = this.owner.shared;
    this.closeDue = Math.min(this.closeDue, wheel.now + times.closeTimeout);
    this.schedule(times.closeTimeout);
  }

  /** The connection has failed, and the peer was told. */
  noteLingering(): void {
    this.schedule(QUIET);
  }

  cancel(): void {
    this.owner.shared.wheel.cancel(this);
  }

  onTick(now: number): number {
    const { owner } = this;
    const { times } = owner.shared;
    if (owner.isClosed) return -1;
    if (now >= this.closeDue) {
      owner.onCloseTimeout();
      return -1;
    }
    if (owner.isLingering && now - this.receivedAt >= QUIET) owner.onQuiet();
    if (owner.isHeld && now - this.progressAt >= times.writeTimeout) owner.onWriteTimeout();
    else if (owner.isOpen) this.checkPeer(now);
    if (owner.isClosed) return -1;
    const next = this.nextDue(now);
    return next >= NEVER ? -1 : next;
  }

  private checkPeer(now: number): void {
    const { owner } = this;
    const { times } = owner.shared;
    if (owner.isReadingPaused) {
      this.receivedAt = this.messageAt = this.messageBeganAt = now;
      this.pingSentAt = -1;
    }
    if (owner.isInsideMessage && now - this.messageBeganAt >= times.messageTimeout) {
      owner.fail('PB_MESSAGE_TIMEOUT');
    } else if (now - this.messageAt >= times.idleTimeout) {
      owner.fail('PB_IDLE_TIMEOUT');
    } else if (this.pingSentAt !== -1 && this.receivedAt < this.pingSentAt && times.pongTimeout !== Infinity) {
      if (now - this.answerAwaitedSince >= times.pongTimeout) owner.fail('PB_PONG_TIMEOUT');
    } else {
      // Anything that came since the ping shows that the peer lives.
      this.pingSentAt = -1;
      if (now - this.receivedAt >= times.pingInterval) {
        this.pingSentAt = now;
        owner.ping();
      }
    }
  }

  private nextDue(now: number): number {
    const { owner } = this;
    const { times } = owner.shared;
    let next = this.closeDue;
    if (owner.isHeld) next = Math.min(next, Math.max(this.progressAt + times.writeTimeout, now + 1));
    if (owner.isLingering) next = Math.min(next, this.receivedAt + QUIET);
    if (!owner.isOpen) return next;
    return Math.min(
      next,
      this.pingDue(now),
      this.messageAt + times.idleTimeout,
      owner.isInsideMessage ? this.messageBeganAt + times.messageTimeout : Infinity,
    );
  }

  /** When a ping is due, or the answer to the last one overdue. */
  private pingDue(now: number): number {
    const { pingInterval, pongTimeout } = this.owner.shared.times;
    if (this.pingSentAt === -1) return this.receivedAt + pingInterval;
    // Where answers may take longer than the interval, this one has probably come by the time of the next ping.
    const next = this.pingSentAt + pingInterval;
    const overdue = this.answerAwaitedSince + pongTimeout;
    return next > now ? Math.min(next, overdue) : overdue;
  }

  /**
   * The ping is behind what was sent before, which a slow peer or network takes a while for. What they do take shows
   * that the peer lives; where they take nothing, `writeTimeout` decides.
   */
  private get answerAwaitedSince(): number {
    return Math.max(this.pingSentAt, this.progressAt);
  }

  /** Makes sure that the wheel calls in so many ticks at the latest. */
  private schedule(inTicks: number): void {
    const { wheel } = this.owner.shared;
    if (inTicks !== Infinity) wheel.scheduleBy(this, wheel.now + inTicks);
  }
}
