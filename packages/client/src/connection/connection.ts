import { type ServerMessage, WIRE_VERSIONS } from '@pulsebeacon/wire';
import { BeaconError } from '../errors.ts';
import { explainHandshake } from '../explainer.ts';
import type { Settings } from '../options.ts';
import { globals, now, soon } from '../platform.ts';
import { recallTransport, rememberTransport } from '../transport-memory.ts';
import { openPoll } from '../transports/poll.ts';
import { openStream } from '../transports/stream.ts';
import type { Hello, Link, LinkOwner, TransportName, WireCommand } from '../transports/transport.ts';
import { openWebSocket } from '../transports/websocket.ts';
import type { Ending } from './ending.ts';
import { ConnectionMachine } from './machine.ts';
import { watchSurroundings } from './surroundings.ts';

export interface ConnectionOwner {
  /** A `subscribe` for each channel that is followed, from where it is now. */
  subscribes(): readonly WireCommand[];
  onMessage(message: ServerMessage): void;
  /** {@link ConnectionMachine.state} or its reason has changed. */
  onState(): void;
  /** Another link is in use: what has no reply from `before` goes by this one. */
  onLink(before: number): void;
  /** It has given up. */
  onStopped(ending: Ending): void;
}

interface OpenLink {
  readonly transport: TransportName;
  link: Link | undefined;
  /** The channels that it was asked to follow. */
  asked: Set<string>;
}

const HELLO = { versions: WIRE_VERSIONS, lines: true } as const;
/** No timer is set for longer, so that a device that was asleep is noticed soon. */
const LONGEST_TIMER_MS = 2500;
const SLEPT_MS = 5000;
/** Characters of a query: what stands between may not take a longer URL. */
const MOST_IN_URL = 2000;
/** A session that could not be renewed is tried again after so long. */
const RENEW_AGAIN_MS = 60_000;

/** The connection of all channels: whichever link there is at the moment, and those that are being opened. */
export class Connection {
  readonly machine: ConnectionMachine;
  /** With those of its requests. */
  readonly settings: Settings;
  transport: TransportName | undefined;
  /** Whom presence means by this client. */
  client: string | undefined;
  private readonly owner: ConnectionOwner;
  private readonly links = new Map<number, OpenLink>();
  private current = 0;
  private session: string | undefined;
  private sessionEnds = 0;
  private renewAt = Infinity;
  /** Credentials were refused, and others were asked for. */
  private isAskedAgain = false;
  private timer: unknown;
  private timerAt = Infinity;
  private unwatch: (() => void) | undefined;
  private isSyncing = false;

  constructor(settings: Settings, owner: ConnectionOwner) {
    this.settings = settings;
    this.owner = owner;
    this.machine = new ConnectionMachine(
      { ...settings, first: recallTransport(settings.origin) },
      {
        now,
        random: Math.random,
        open: (id, transport) => this.open(id, transport),
        close: (id) => this.close(id),
        use: (id, transport) => this.use(id, transport),
        forgetSession: () => (this.session = undefined),
        changed: () => owner.onState(),
        stopped: (ending) => owner.onStopped(ending),
      },
    );
  }

  start(): void {
    this.unwatch ??= watchSurroundings({
      wake: (reason) => this.act(() => this.machine.wake(reason)),
      networkChanged: (reason) => this.act(() => this.machine.networkChanged(reason)),
    });
    this.isAskedAgain = false;
    this.act(() => this.machine.start());
  }

  stop(reason: string): void {
    this.act(() => this.machine.stop(reason));
    this.unwatch?.();
    this.unwatch = undefined;
  }

  /** A number that means the link in use; 0 where there is none. */
  get way(): number {
    return this.current;
  }

  /** How commands are sent by the link in use; undefined where they take requests of their own. */
  get send(): Link['send'] {
    return this.links.get(this.current)?.link?.send;
  }

  /** What is followed has changed: at the end of the turn, the server is told; the first link begins with all of it. */
  sync(): void {
    if (this.isSyncing || !this.current) return;
    this.isSyncing = true;
    soon(() => {
      this.isSyncing = false;
      this.act(() => this.syncNow());
    });
  }

  /** The server does not follow this channel any more. */
  forget(channel: string): void {
    this.links.get(this.current)?.asked.delete(channel);
  }

  /** @throws {BeaconError} what `authorization` threw */
  async hello(): Promise<Hello> {
    const { authorization } = this.settings;
    if (Date.now() > this.sessionEnds) this.session = undefined;
    const { session } = this;
    try {
      const given = typeof authorization === 'function' ? await authorization() : authorization;
      return { ...HELLO, session, authorization: given };
    } catch (error) {
      throw new BeaconError('PB_CLIENT_OPTION', `authorization failed: ${(error as Error)?.message ?? error}`);
    }
  }

  /** A message that did not come by a link: the answer to a request. */
  onReply(message: ServerMessage): void {
    if (message.type === 'welcome') this.keepSession(message);
    else this.owner.onMessage(message);
  }

  forgetSession(): void {
    this.session = undefined;
  }

  private open(id: number, transport: TransportName): void {
    const open: OpenLink = { transport, link: undefined, asked: new Set() };
    this.links.set(id, open);
    const subscribes = (): readonly WireCommand[] => {
      const commands = this.owner.subscribes();
      open.asked = new Set(commands.map(({ channel }) => channel));
      return commands;
    };
    const owner: LinkOwner = {
      hello: () => this.hello(),
      subscribes,
      begin: () => {
        // Links behind the first one have a session to show, or the first one failed: perhaps because of its URL.
        if (id > 1 || this.settings.authorization !== undefined) return undefined;
        const query = `begin=${encodeURIComponent(JSON.stringify({ hello: HELLO, commands: subscribes() }))}`;
        return query.length > MOST_IN_URL ? undefined : query;
      },
      onSign: () => this.machine.onSign(id),
      onMessage: (message) => this.onMessage(id, message),
      onEnd: (ending) => this.onEnd(id, ending),
    };
    try {
      open.link = this.openLink(transport, owner);
    } catch (error) {
      // Such as a WebSocket that a policy of the page forbids.
      soon(() => this.onEnd(id, { kind: 'blocked', reason: (error as Error).message }));
    }
  }

  private openLink(transport: TransportName, owner: LinkOwner): Link {
    const { settings } = this;
    switch (transport) {
      case 'websocket': {
        const url = settings.url.replace(/^http/, 'ws');
        return openWebSocket({ url, WebSocket: settings.WebSocket!, explain: () => explainHandshake(settings) }, owner);
      }
      case 'poll':
        return openPoll(settings, settings.pollWait, owner);
      default:
        return openStream(settings, transport, owner);
    }
  }

  private onMessage(id: number, message: ServerMessage): void {
    if (message.type === 'welcome') {
      this.keepSession(message);
      this.act(() => this.machine.onWelcome(id, message.heartbeat));
      return;
    }
    // After another took its place, a link is closed. Before its welcome, it says why it ends; or else the welcome was lost.
    if (id !== this.current) {
      if (message.type !== 'error') this.onEnd(id, { kind: 'cut', reason: 'no welcome' });
    } else if (message.type !== 'heartbeat') this.owner.onMessage(message);
  }

  private onEnd(id: number, ending: Ending): void {
    this.close(id);
    const { authorization } = this.settings;
    // What a URL says may arrive as something else: messages say it once more. An answer has a status, and was not about that.
    const isOld = authorization
      ? typeof authorization === 'function' && ending.code === 'PB_UNAUTHENTICATED'
      : id === 1 && !this.current && ending.kind === 'refused' && !ending.status;
    const mayAskAgain = isOld && !this.isAskedAgain;
    if (mayAskAgain) this.isAskedAgain = true;
    this.act(() => this.machine.onEnd(id, mayAskAgain ? { ...ending, kind: 'session' } : ending));
    this.sync();
  }

  private use(id: number, transport: TransportName): void {
    const before = this.current;
    this.current = id;
    this.transport = transport;
    this.isAskedAgain = false;
    rememberTransport(this.settings.origin, transport, this.settings.rememberFor);
    this.owner.onLink(before);
    this.sync();
  }

  private close(id: number): void {
    const open = this.links.get(id);
    this.links.delete(id);
    open?.link?.close();
  }

  private syncNow(): void {
    const open = this.links.get(this.current);
    if (open?.link === undefined) return;
    const { link, asked } = open;
    const wanted = this.owner.subscribes();
    const names = new Set(wanted.map(({ channel }) => channel));
    const missing = wanted.filter(({ channel }) => !asked.has(channel));
    const surplus = [...asked].filter((channel) => !names.has(channel));
    if (missing.length + surplus.length === 0) return;
    if (link.send === undefined) {
      if (link.refresh === undefined) this.machine.renew('renew');
      else link.refresh();
      return;
    }
    open.asked = names;
    link.send([...surplus.map((channel) => ({ type: 'unsubscribe', channel })), ...missing]);
  }

  private keepSession({ session, expiresIn, client }: ServerMessage & { readonly type: 'welcome' }): void {
    this.session = session;
    this.sessionEnds = Date.now() + expiresIn;
    // Not all at once who came at once. What polls and requests bring puts it off.
    this.renewAt = Date.now() + expiresIn * (0.5 + Math.random() / 4);
    this.client = client;
  }

  /** Whatever the machine is told may change when it has to be called next. */
  private act(tell: () => void): void {
    tell();
    const { deadline } = this.machine;
    if (deadline === undefined) {
      globals.clearTimeout(this.timer);
      this.timerAt = Infinity;
    } else if (deadline < this.timerAt) this.setTimer(deadline);
  }

  private setTimer(deadline: number): void {
    globals.clearTimeout(this.timer);
    const at = now();
    const ms = Math.max(0, Math.min(deadline - at, LONGEST_TIMER_MS));
    const due = Date.now() + ms;
    this.timerAt = at + ms;
    this.timer = globals.setTimeout(() => {
      this.timerAt = Infinity;
      const late = Date.now() - due;
      if (late > SLEPT_MS) this.act(() => this.machine.wake('the device was asleep'));
      this.renewSession();
      this.act(() => this.machine.tick(late));
    }, ms);
  }

  /** A connection may last longer than the session that it would come back by: another welcome brings a new one. */
  private renewSession(): void {
    if (Date.now() < this.renewAt) return;
    this.renewAt = Date.now() + RENEW_AGAIN_MS;
    this.act(() => this.machine.renew('probe'));
  }
}
