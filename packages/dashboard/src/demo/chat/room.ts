import { Beacon, type BeaconOptions, type Channel, type Publication } from '@pulsebeacon/client';
import { byId } from '../../shared/dom.js';
import { wantsKey } from '../key.ts';
import { showLink } from '../link.ts';
import { readLooks, readObject, type Visitor } from '../visitor.ts';
import { CatchUp } from './catch-up.ts';
import { Messages } from './messages.ts';
import { People } from './people.ts';
import { newId, readSaid, type Said } from './said.ts';
import { Typing, typingText } from './typing.ts';

const CHANNEL = 'demo:chat';
/** Names are kept for an hour: who is here says theirs before that. */
const SAY_NAME_EVERY_MS = 20 * 60_000;

/** The chat: a connection, and what is on the page because of it. */
export class Room {
  private readonly beacon: Beacon;
  private readonly chat: Channel;
  private readonly names: Channel;
  private readonly typings: Channel;
  private readonly visitor: Visitor;
  private readonly messages: Messages;
  private readonly onWantsKey: () => void;
  private readonly people: People;
  private readonly typing = new Typing(() => this.showTyping());
  private readonly endLink: () => void;
  private readonly timer: ReturnType<typeof setInterval>;
  private catchUp: CatchUp<unknown, HTMLElement> | undefined;
  private isOnline = false;

  /** @param since where an earlier room was; else, all that is kept */
  constructor(options: BeaconOptions, visitor: Visitor, messages: Messages, onWantsKey: () => void, since = 'all') {
    this.visitor = visitor;
    this.messages = messages;
    this.onWantsKey = onWantsKey;
    const beacon = new Beacon('/', options);
    this.beacon = beacon;
    this.endLink = showLink(beacon);
    this.chat = beacon.channel(CHANNEL);
    this.names = beacon.channel(`${CHANNEL}:names`);
    this.typings = beacon.channel(`${CHANNEL}:typing`);
    const { typing } = this;
    this.people = new People({
      get client() {
        return beacon.client;
      },
      looks: visitor,
      isTyping: (client) => typing.has(client),
      onCame: (client) => this.noteLater(client, 'came'),
      onLeft: (client) => {
        typing.note(client, false);
        messages.note(`${this.people.looksOf(client).name} left`);
      },
    });
    this.people.watch(this.chat);
    this.chat.on('notRecovered', () => messages.note('Some messages are too old to be had again'));
    this.chat.on('error', (error) => {
      if (wantsKey(error)) onWantsKey();
      if (error.code !== 'PB_CLIENT_CLOSED') messages.note(error.message);
    });
    this.chat.subscribe({ since, onPublication: (publication) => this.onSaid(publication) });
    this.names.subscribe({ since: 'all', onPublication: ({ data }) => this.onName(readObject(data)) });
    this.typings.subscribe(({ data }) => this.onTyping(readObject(data)));
    beacon.on('statechange', () => this.onState());
    this.timer = setInterval(() => this.sayName(), SAY_NAME_EVERY_MS);
  }

  /** For the room that takes its place. */
  get position(): string | undefined {
    return this.chat.position;
  }

  send(text: string): void {
    this.sayTyping(false);
    const { name, colour } = this.visitor;
    const said: Said = { id: newId(), by: this.beacon.client ?? '', name, colour, text };
    const fail = this.messages.wait(said, this.isOnline ? 'on its way' : 'waits for the connection');
    this.publish(this.chat, said, fail);
  }

  /** The visitor types, or has stopped. */
  sayTyping(isTyping: boolean): void {
    const isNews = isTyping ? this.typing.typed() : this.typing.stopped();
    // Later it would be wrong.
    if (isNews && this.isOnline) this.publish(this.typings, { client: this.beacon.client, isTyping });
  }

  sayName(): void {
    const { name, colour } = this.visitor;
    const { client } = this.beacon;
    if (client !== undefined) this.publish(this.names, { client, name, colour });
    this.people.show();
  }

  close(): void {
    clearInterval(this.timer);
    this.endLink();
    this.beacon.close();
  }

  private publish(channel: Channel, data: unknown, fail: (reason: string) => void = () => {}): void {
    channel.publish(data).catch((error: unknown) => {
      if (wantsKey(error)) this.onWantsKey();
      fail(error instanceof Error ? error.message : String(error));
    });
  }

  private onState(): void {
    const wasOnline = this.isOnline;
    this.isOnline = this.beacon.state === 'online';
    if (wantsKey(this.beacon.status.error)) this.onWantsKey();
    if (wasOnline && !this.isOnline) {
      this.catchUp = new CatchUp(this.chat, ([first, ...more]) => {
        if (first === undefined) return;
        const text = more.length === 0 ? 'One message' : `${more.length + 1} messages`;
        this.messages.noteAbove(first, `${text} while you were away`);
      });
    }
    if (wasOnline || !this.isOnline) return;
    this.sayName();
    this.people.ask(this.chat).catch(() => {});
  }

  private onSaid({ data, position, time }: Publication): void {
    const said = readSaid(data);
    if (said === undefined) return;
    this.typing.note(said.by, false);
    this.people.know(said.by, said);
    const row = this.messages.add(said, time);
    this.catchUp?.add(position, row);
  }

  private onName(data: Readonly<Record<string, unknown>>): void {
    if (typeof data['client'] === 'string') this.people.know(data['client'], readLooks(data));
  }

  private onTyping({ client, isTyping }: Readonly<Record<string, unknown>>): void {
    if (typeof client === 'string' && client !== this.beacon.client) this.typing.note(client, isTyping === true);
  }

  /** Who has just come says their name a moment later. */
  private noteLater(client: string, what: string): void {
    setTimeout(() => this.messages.note(`${this.people.looksOf(client).name} ${what}`), 500);
  }

  private showTyping(): void {
    const names = this.typing.clients.map((client) => this.people.looksOf(client).name);
    byId('typing', HTMLElement).textContent = typingText(names);
    this.people.show();
  }
}
