import type { Aim } from '../aim.ts';
import type { ClientSettings } from '../options.ts';
import { SharedSessions } from './shared-sessions.ts';

/** Milliseconds that a session without a stream is kept for the next one. */
const IDLE_TIMEOUT = 2000;

/** For so many servers that have no sessions it is remembered that they offer none. */
const MOST_UNUSED = 1000;

/** Whatever makes two connections to one server differ. */
type Way = readonly unknown[];

interface Entry {
  readonly way: Way;
  readonly sessions: SharedSessions;
}

/** The HTTP/2 sessions of this process, by server, and by what they were opened with. */
export class SessionPool {
  private readonly idleTimeout: number;
  private readonly entries = new Map<string, Entry[]>();

  constructor(idleTimeout: number = IDLE_TIMEOUT) {
    this.idleTimeout = idleTimeout;
  }

  /**
   * The sessions for this aim: of the same server, the same proxy, and options of TLS and TCP with the same values, one
   * by one. So a certificate is never shown for somebody who did not give it, nor a check left out that was asked for.
   */
  at(aim: Aim, settings: ClientSettings): SharedSessions {
    const { proxy, target, tls } = aim;
    const key = [aim.origin, target.socketPath, proxy?.url, proxy?.userinfo?.username, proxy?.userinfo?.password];
    const place = JSON.stringify(key.map((part) => part ?? null));
    const way: Way = [tls, settings.socket, ...(proxy === undefined ? [] : [settings.http.proxyTls])];
    const entries = this.entries.get(place) ?? [];
    const known = entries.find((entry) => isSameWay(entry.way, way));
    if (known !== undefined) return known.sessions;
    const sessions = new SharedSessions(this.idleTimeout, () => this.remove(place, entry));
    const entry: Entry = { way, sessions };
    this.entries.set(place, [...entries, entry]);
    if (this.entries.size > MOST_UNUSED) this.forgetUnused();
    return sessions;
  }

  private remove(place: string, entry: Entry): void {
    const left = (this.entries.get(place) ?? []).filter((other) => other !== entry);
    if (left.length === 0) this.entries.delete(place);
    else this.entries.set(place, left);
  }

  /** What is known of servers that nobody is connected to is no more than a saving. */
  private forgetUnused(): void {
    for (const [place, entries] of this.entries) {
      if (this.entries.size <= MOST_UNUSED) return;
      if (entries.every(({ sessions }) => sessions.isIdle)) this.entries.delete(place);
    }
  }
}

/** Options are written anew for each call, with the same values. */
function isSameWay(a: Way, b: Way): boolean {
  return a.length === b.length && a.every((options, index) => hasSameValues(options as object, b[index] as object));
}

function hasSameValues(a: object, b: object): boolean {
  const [own, other] = [Object.entries(a), new Map<string, unknown>(Object.entries(b))];
  return own.length === other.size && own.every(([name, value]) => other.has(name) && isSame(value, other.get(name)));
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Buffer.isBuffer(a) && Buffer.isBuffer(b)) return a.equals(b);
  if (!Array.isArray(a) || !Array.isArray(b)) return false;
  return a.length === b.length && a.every((item, index) => isSame(item, b[index]));
}

/** For all clients of this process. */
export const sessionPool: SessionPool = new SessionPool();
