import type { ClientTap, Hub } from '@pulsebeacon/hub';
import type { Publication, ServerMessage } from '@pulsebeacon/wire';
import { excerptOf } from './excerpt.ts';
import type { Messages, SeenMessage } from './messages.ts';

const TELL_MS = 250;
/** So many at a time: more cannot be read. */
const MOST_AT_ONCE = 20;
/** Whoever has just asked has so long to begin to listen. */
const PATIENCE_MS = 5000;

type Said = Parameters<ClientTap['sent']>[0] | Parameters<ClientTap['received']>[0];

/** Connections whose messages somebody looks at. */
export class Watches {
  private readonly hub: Hub;
  private readonly tell: (id: string, messages: Messages) => void;
  private readonly watches = new Map<string, Watch>();
  private timer: NodeJS.Timeout | undefined;

  /** @param tell is told what went over a connection */
  constructor(hub: Hub, tell: (id: string, messages: Messages) => void) {
    this.hub = hub;
    this.tell = tell;
  }

  begin(id: string): void {
    if (this.watches.has(id)) return;
    const watch = new Watch();
    watch.end = this.hub.tap(id, watch);
    this.watches.set(id, watch);
    this.timer ??= setInterval(() => this.tellAll(), TELL_MS);
  }

  /** Ends those that nobody looks at any more. */
  sweep(isWatched: (id: string) => boolean): void {
    const now = performance.now();
    for (const [id, watch] of this.watches) {
      if (!isWatched(id) && now - watch.begun > PATIENCE_MS) this.endOne(id, watch);
    }
  }

  stop(): void {
    for (const [id, watch] of this.watches) this.endOne(id, watch);
  }

  private endOne(id: string, watch: Watch): void {
    watch.end?.();
    this.watches.delete(id);
    if (this.watches.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private tellAll(): void {
    for (const [id, watch] of this.watches) {
      const messages = watch.take();
      if (messages !== undefined) this.tell(id, messages);
    }
  }
}

/** What has gone over one connection and was not told yet. */
class Watch implements ClientTap {
  readonly begun = performance.now();
  end: (() => void) | undefined;
  private seen: SeenMessage[] = [];
  private leftOut = 0;

  sent(message: ServerMessage | Publication): void {
    this.add('out', message);
  }

  received(message: Parameters<ClientTap['received']>[0]): void {
    this.add('in', message);
  }

  take(): Messages | undefined {
    if (this.seen.length === 0) return undefined;
    const messages = { items: this.seen, leftOut: this.leftOut };
    this.seen = [];
    this.leftOut = 0;
    return messages;
  }

  private add(way: SeenMessage['way'], said: Said): void {
    if (this.seen.length >= MOST_AT_ONCE) this.leftOut++;
    else this.seen.push({ at: Date.now(), way, ...describe(said) });
  }
}

function describe(said: Said): Omit<SeenMessage, 'at' | 'way'> {
  if (!('type' in said)) return { type: 'publication', channel: said.channel, ...excerptOf(said.data) };
  const channel = 'channel' in said ? (said.channel ?? null) : null;
  if (said.type === 'payload') return { type: said.type, channel, ...excerptOf(said.data) };
  // Who somebody is stays between them and the server.
  const shown = Object.fromEntries(Object.entries(said).filter(([name]) => !SECRET.has(name)));
  return { type: said.type, channel, ...excerptOf(JSON.stringify(shown)) };
}

const SECRET: ReadonlySet<string> = new Set(['type', 'channel', 'authorization', 'session', 'token']);
