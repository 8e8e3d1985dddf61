import type { Socket } from 'node:net';
import { OpeningFailure } from '../opening-failure.ts';
import { ClientSession, type SessionOwner } from './client-session.ts';

/** Somebody who needs a stream to a server. One call is the answer, in the same turn or later. */
export interface Seeker {
  /** A stream of this session is set aside for it. */
  onSession(session: ClientSession): void;
  /** It is the one to connect: it says what comes of it by `dialled`, `failed` or `forget`. */
  onLead(): void;
  /** The server offers no WebSocket over HTTP/2. */
  onNotOffered(why: string): void;
  /** Whoever connected for all has failed. */
  onFailed(failure: OpeningFailure): void;
}

/** For so long a server that does not offer it is not asked again, in milliseconds. */
const NOT_OFFERED_FOR = 300_000;

/**
 * The sessions to one server, by one way and with one set of TLS options. Where none has room, one of those who need
 * one connects, and the others wait for what comes of it; so that a hundred who come at once do not make a hundred
 * connections, nor find out a hundred times that the server has no HTTP/2. A server that takes no more streams gets
 * another connection: a WebSocket stays, and to wait for one to end may be to wait for ever.
 */
export class SharedSessions implements SessionOwner {
  private readonly idleTimeout: number;
  /** There is nothing left here that is worth keeping. */
  private readonly onUnused: () => void;
  private readonly sessions = new Set<ClientSession>();
  private readonly waiting: Seeker[] = [];
  /** Who connects, and the session where it has come so far. */
  private readonly leaders = new Map<Seeker, ClientSession | null>();
  /** Streams that a session is expected to have room for; the limit of the last one. */
  private expected = Infinity;
  private notOffered: { readonly until: number; readonly why: string } | undefined;

  constructor(idleTimeout: number, onUnused: () => void) {
    this.idleTimeout = idleTimeout;
    this.onUnused = onUnused;
  }

  /** Nobody is connected by it, or about to be. */
  get isIdle(): boolean {
    return this.sessions.size + this.waiting.length + this.leaders.size === 0;
  }

  /** What is known does not have to be found out again. Undefined: nothing, or too long ago. */
  get whyNotOffered(): string | undefined {
    if (this.notOffered !== undefined && this.notOffered.until < performance.now()) this.notOffered = undefined;
    return this.notOffered?.why;
  }

  seek(seeker: Seeker): void {
    for (const session of this.sessions) {
      if (session.hasRoom) return this.give(session, seeker);
    }
    this.waiting.push(seeker);
    this.lead();
  }

  /** It is not needed any more. */
  forget(seeker: Seeker): void {
    const at = this.waiting.indexOf(seeker);
    if (at !== -1) this.waiting.splice(at, 1);
    const session = this.leaders.get(seeker);
    if (session === undefined) return;
    this.leaders.delete(seeker);
    session?.destroy();
    this.lead();
    this.tidy();
  }

  private give(session: ClientSession, seeker: Seeker): void {
    session.reserve();
    seeker.onSession(session);
  }

  /** As many connect as are needed for those who wait. */
  private lead(): void {
    while (this.waiting.length > this.leaders.size * this.expected || (this.waiting.length > 0 && !this.leaders.size)) {
      const leader = this.waiting.shift()!;
      this.leaders.set(leader, null);
      leader.onLead();
    }
  }

  // --- What comes of connecting --------------------------------------------------------------------------------------

  /** The leader is connected, and HTTP/2 is spoken. @param authority `https://host:port` */
  dialled(leader: Seeker, socket: Socket, authority: string): void {
    this.leaders.set(leader, new ClientSession(socket, authority, this.idleTimeout, this));
  }

  /** The leader could not connect, for a reason that all would meet. */
  failed(leader: Seeker, failure: OpeningFailure): void {
    if (!this.leaders.delete(leader)) return;
    // Others who connect may still have room for some.
    const served = this.leaders.size === 0 ? 0 : this.leaders.size * this.expected;
    for (const seeker of this.waiting.splice(served)) seeker.onFailed(failure);
    this.tidy();
  }

  /** The server has shown that it offers no WebSocket over HTTP/2. @param leader who found out; it knows */
  refused(leader: Seeker | undefined, why: string): void {
    if (leader !== undefined) this.leaders.delete(leader);
    this.notOffered = { until: performance.now() + NOT_OFFERED_FOR, why };
    for (const seeker of this.waiting.splice(0)) seeker.onNotOffered(why);
  }

  onSettings(session: ClientSession): void {
    const leader = this.leaderOf(session);
    if (leader === undefined) return session.destroy();
    this.leaders.delete(leader);
    const why = session.whyNotOffered;
    if (why !== undefined) {
      this.refused(undefined, why);
      leader.onNotOffered(why);
      return session.destroy();
    }
    this.notOffered = undefined;
    this.expected = session.limit;
    this.sessions.add(session);
    this.give(session, leader);
    this.onRoom(session);
    this.lead();
  }

  onRoom(session: ClientSession): void {
    while (this.waiting.length > 0 && session.hasRoom) this.give(session, this.waiting.shift()!);
  }

  onLeft(session: ClientSession, cause: Error | undefined): void {
    this.sessions.delete(session);
    const leader = this.leaderOf(session);
    if (leader !== undefined) this.onNoSettings(leader, cause);
    this.lead();
    this.tidy();
  }

  private onNoSettings(leader: Seeker, cause: Error | undefined): void {
    if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_HTTP2_ERROR') {
      const why = `what it sent is no HTTP/2: ${cause!.message}`;
      this.refused(leader, why);
      leader.onNotOffered(why);
    } else {
      const detail = 'before its SETTINGS (RFC 9113 §3.4)';
      const failure = new OpeningFailure('PB_ANSWER_ENDED', { detail, cause });
      this.failed(leader, failure);
      leader.onFailed(failure);
    }
  }

  private leaderOf(session: ClientSession): Seeker | undefined {
    for (const [leader, its] of this.leaders) if (its === session) return leader;
    return undefined;
  }

  private tidy(): void {
    if (this.isIdle && this.notOffered === undefined) this.onUnused();
  }
}
