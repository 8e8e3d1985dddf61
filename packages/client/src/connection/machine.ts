import { backoff, type BackoffOptions } from '../backoff.ts';
import type { TransportName } from '../transports/transport.ts';
import type { Ending } from './ending.ts';
import type { Attempt, Current } from './links.ts';

/**
 * - `connecting`: for the first time
 * - `online`: everything that is published arrives
 * - `recovering`: that has ended, and the client is on its way back
 * - `offline`: it could not come back so far, or does not try any more
 */
export type BeaconState = 'connecting' | 'online' | 'recovering' | 'offline';

/** Times in milliseconds. */
export interface MachineOptions {
  /** What may be used here, the best first. */
  readonly ladder: readonly TransportName[];
  /** Where to begin. */
  readonly first: TransportName | undefined;
  readonly backoff: BackoffOptions;
  /** A link that has not opened after so long, or says nothing once it has, does not get through. */
  readonly openTimeout: number;
  /** After so long on a lesser transport, a better one is tried again. */
  readonly upgradeAfter: number;
  /** The longest that a poll waits. */
  readonly pollWait: number;
}

/** What the machine decides, to be done by whoever has sockets, requests and timers. */
export interface MachinePorts {
  /** Any clock that goes forward. */
  now(): number;
  /** From 0 to 1. */
  random(): number;
  open(link: number, transport: TransportName): void;
  close(link: number): void;
  /** This link is the one from now on: what others say is not listened to. */
  use(link: number, transport: TransportName): void;
  /** The session that was shown is of no use. */
  forgetSession(): void;
  /** Something that {@link ConnectionMachine} shows has changed. */
  changed(): void;
  /** It has given up, which what it shows says, too. */
  stopped(ending: Ending): void;
}

/** So many heartbeats may be silent. */
const MISSED_BEATS = 1.5;
/** A link that lasts so long is no failure when it ends. */
const STABLE_MS = 10_000;
/** A link that ends sooner, so many times in a row, does not suit the network. */
const SHORT_LIVES = 3;
const LONGEST_UPGRADE_MS = 600_000;
const LONGEST_OPEN_MS = 30_000;
/** For what has waited to be read while a timer was late. */
const GRACE_MS = 1000;

/**
 * When to connect, by which transport, when to give one up, and when to try a better one. Pure: time, chance and all that
 * is done come by {@link MachinePorts}, and somebody calls {@link tick} by {@link deadline}.
 */
export class ConnectionMachine {
  state: BeaconState = 'connecting';
  reason = 'connecting for the first time';
  /** When the next attempt is made, by the clock of the ports; undefined where none waits. */
  retryAt: number | undefined;
  private readonly options: MachineOptions;
  private readonly ports: MachinePorts;
  private current: Current | undefined;
  private attempt: Attempt | undefined;
  private isStopped = true;
  private rung: number;
  private links = 0;
  private failures = 0;
  /** Times that no transport at all got through. */
  private rounds = 0;
  private unreachableHere = 0;
  private shortLives = 0;
  private isSessionNew = false;
  private probeAt: number | undefined;
  private probeEvery: number;

  constructor(options: MachineOptions, ports: MachinePorts) {
    this.options = options;
    this.ports = ports;
    this.rung = Math.max(0, options.first === undefined ? 0 : options.ladder.indexOf(options.first));
    this.probeEvery = options.upgradeAfter;
  }

  /** When {@link tick} has something to do; undefined: not before something else happens. */
  get deadline(): number | undefined {
    const { attempt, current, probeAt, retryAt } = this;
    const times: (number | undefined)[] = [attempt?.deadline, retryAt];
    if (current) times.push(current.heardAt + current.patience, attempt ? undefined : probeAt);
    const due = Math.min(...times.map((time) => time ?? Infinity));
    return due === Infinity ? undefined : due;
  }

  /** Begins, or begins again after it has given up. */
  start(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    this.failures = 0;
    this.isSessionNew = false;
    if (this.state !== 'connecting') this.show('recovering', 'asked to try again');
    this.open(this.rung, 'connect');
  }

  /** Ends everything. */
  stop(reason: string): void {
    this.end(reason);
    this.ports.changed();
  }

  private end(reason: string): void {
    this.isStopped = true;
    this.retryAt = undefined;
    this.drop();
    this.dropAttempt();
    this.state = 'offline';
    this.reason = reason;
  }

  /** The network is back, the page is seen, the device woke up: no time to wait. */
  wake(reason: string): void {
    if (this.isStopped) return;
    const { current } = this;
    this.failures = 0;
    if (this.retryAt !== undefined) {
      this.show('recovering', reason);
      this.open(this.rung, 'connect');
    } else if (current && !this.attempt && this.silence(current) > current.patience / 2) {
      // It may have died unseen. Another takes its place, so that nothing is lost if it has not.
      this.open(current.rung, 'renew');
    }
  }

  /** The network is another one: what did not get through may do so now. */
  networkChanged(reason: string): void {
    this.probeEvery = this.options.upgradeAfter;
    if (this.current === undefined) this.rung = 0;
    else if (this.current.rung > 0) this.probeAt = this.ports.now() + GRACE_MS * (1 + this.ports.random());
    this.wake(reason);
  }

  /**
   * Opens another link of the same transport, which then takes the place of this one.
   * @param why `renew` where this one is of no use any more, `probe` where it is as long as there is no other
   */
  renew(why: 'renew' | 'probe'): void {
    if (this.current && !this.attempt) this.open(this.current.rung, why);
  }

  /** A link that is being opened has got somewhere; one in use lives. */
  onSign(link: number): void {
    const { attempt, current } = this;
    const now = this.ports.now();
    if (link === attempt?.link) attempt.deadline = now + this.openPatience();
    else if (link === current?.link) current.heardAt = now;
  }

  /** @param heartbeat as the server promises it, in milliseconds */
  onWelcome(link: number, heartbeat: number): void {
    const { attempt } = this;
    if (link !== attempt?.link) return;
    this.attempt = undefined;
    this.drop();
    const { rung, why, since } = attempt;
    const now = this.ports.now();
    const transport = this.options.ladder[rung]!;
    // The answer to a poll is a heartbeat that takes the whole way there and back, as long as the first one took.
    const patience =
      transport === 'poll' ? MISSED_BEATS * this.options.pollWait + now - since : MISSED_BEATS * heartbeat;
    this.current = { link, rung, since: now, heardAt: now, patience };
    this.rung = rung;
    this.rounds = 0;
    this.unreachableHere = 0;
    this.isSessionNew = false;
    if (why !== 'renew') this.probeLater();
    const reason = `connected by ${transport}`;
    const isNews = this.state !== 'online' || this.reason !== reason;
    this.state = 'online';
    this.reason = reason;
    this.ports.use(link, transport);
    if (isNews) this.ports.changed();
  }

  onEnd(link: number, ending: Ending): void {
    if (link === this.current?.link) this.onLost(this.current, ending);
    else if (link === this.attempt?.link) this.onNotOpened(this.attempt, ending);
  }

  /** @param lateMs so much later than asked for: what arrived meanwhile may not have been read yet */
  tick(lateMs: number = 0): void {
    const now = this.ports.now();
    const { current, attempt } = this;
    if (current && lateMs > GRACE_MS) {
      current.heardAt = Math.max(current.heardAt, now - current.patience + GRACE_MS);
    }
    if (current && this.silence(current) >= current.patience) this.onStalled(current);
    if (attempt && attempt === this.attempt && now >= attempt.deadline) this.onTooSlow(attempt);
    if (this.retryAt !== undefined && now >= this.retryAt) this.open(this.rung, 'connect');
    if (this.current && !this.attempt && now >= (this.probeAt ?? Infinity)) {
      this.open(0, 'probe');
    }
  }

  private onTooSlow({ link, rung }: Attempt): void {
    this.ports.close(link);
    this.onEnd(link, this.stalled(rung, this.openPatience()));
  }

  private onStalled(current: Current): void {
    this.ports.close(current.link);
    this.onLost(current, this.stalled(current.rung, current.patience));
  }

  private stalled(rung: number, ms: number): Ending {
    const seconds = Math.round(ms / 100) / 10;
    return { kind: 'stalled', reason: `nothing has arrived by ${this.options.ladder[rung]!} for ${seconds} s` };
  }

  /** The link in use has ended. */
  private onLost({ rung, since }: Current, ending: Ending): void {
    const lifeMs = this.ports.now() - since;
    this.current = undefined;
    if (lifeMs >= STABLE_MS) this.failures = 0;
    this.shortLives = lifeMs < STABLE_MS && ending.kind === 'cut' ? this.shortLives + 1 : 0;
    if (this.isFinal(ending)) return;
    this.show('recovering', ending.reason);
    const { attempt } = this;
    const isUnfit = ending.kind === 'stalled' || this.shortLives >= SHORT_LIVES;
    if (isUnfit) this.avoid(rung, lifeMs);
    if (attempt && !(isUnfit && attempt.rung === rung)) return;
    this.dropAttempt();
    if (ending.kind === 'stalled') this.open(this.rung, 'connect');
    else this.waitFor(ending);
  }

  /** A link has not opened. */
  private onNotOpened({ why, rung }: Attempt, ending: Ending): void {
    this.attempt = undefined;
    const isNeeded = this.current === undefined;
    if (!isNeeded && why === 'probe') {
      // The next better one, if there is one between.
      if (rung + 1 < this.current!.rung && ending.kind !== 'later') this.open(rung + 1, 'probe');
      else this.probeLater(2);
      return;
    }
    // What cannot be renewed is given up: the way back is the same as after a loss.
    this.drop();
    if (this.isFinal(ending)) return;
    if (this.state === 'online') this.show('recovering', ending.reason);
    switch (ending.kind) {
      case 'session':
        return this.open(this.rung, 'connect');
      case 'later':
        return this.waitFor(ending);
      case 'unreachable':
        // What comes back to life is found by the transport that worked; now and then, another one is tried.
        if (++this.unreachableHere % 2 === 0) this.rung = (rung + 1) % this.options.ladder.length;
        // That all were down says nothing against the better ones.
        this.probeEvery = GRACE_MS;
        return this.waitFor(ending);
      default:
        return this.hop(rung, ending);
    }
  }

  private hop(rung: number, ending: Ending): void {
    if (rung + 1 < this.options.ladder.length) {
      this.rung = rung + 1;
      this.show(this.state === 'offline' ? 'recovering' : this.state, ending.reason);
      this.open(this.rung, 'connect');
    } else {
      this.rung = 0;
      this.rounds++;
      this.waitFor(ending);
    }
  }

  /** @returns whether nothing more is to be tried */
  private isFinal(ending: Ending): boolean {
    if (ending.kind === 'session') {
      if (!this.isSessionNew) {
        this.isSessionNew = true;
        this.ports.forgetSession();
        return false;
      }
    } else if (ending.kind !== 'refused') return false;
    this.end(ending.reason);
    this.ports.stopped(ending);
    return true;
  }

  /** A transport stalls: the next one down is tried, and this one not so soon again. */
  private avoid(rung: number, lifeMs: number): void {
    this.shortLives = 0;
    this.rung = Math.min(rung + 1, this.options.ladder.length - 1);
    this.probeEvery =
      lifeMs < this.probeEvery ? Math.min(2 * this.probeEvery, LONGEST_UPGRADE_MS) : this.options.upgradeAfter;
  }

  private waitFor({ kind, reason, retryAfter }: Ending): void {
    const { ports, options } = this;
    const ms = backoff(this.failures, options.backoff, ports.random(), retryAfter);
    this.retryAt = ports.now() + (kind === 'session' ? 0 : ms);
    const isFirst = this.failures++ === 0 && this.state !== 'offline';
    this.show(isFirst ? this.state : 'offline', reason);
  }

  private open(rung: number, why: Attempt['why']): void {
    const link = ++this.links;
    this.retryAt = undefined;
    const since = this.ports.now();
    this.attempt = { link, rung, why, since, deadline: since + this.openPatience() };
    this.ports.open(link, this.options.ladder[rung]!);
  }

  /** Where nothing got through at all, the network may be slow rather than blocked. */
  private openPatience(): number {
    return Math.min(this.options.openTimeout * 2 ** this.rounds, LONGEST_OPEN_MS);
  }

  private probeLater(factor: number = 1): void {
    this.probeEvery = Math.min(this.probeEvery * factor, LONGEST_UPGRADE_MS);
    const isBest = this.current === undefined || this.current.rung === 0;
    this.probeAt = isBest ? undefined : this.ports.now() + this.probeEvery * (0.75 + this.ports.random() / 2);
  }

  private silence({ heardAt }: Current): number {
    return this.ports.now() - heardAt;
  }

  private drop(): void {
    if (this.current) this.ports.close(this.current.link);
    this.current = undefined;
  }

  private dropAttempt(): void {
    if (this.attempt) this.ports.close(this.attempt.link);
    this.attempt = undefined;
  }

  private show(state: BeaconState, reason: string): void {
    this.state = state;
    this.reason = reason;
    this.ports.changed();
  }
}
