import type { Channel, Member } from '@pulsebeacon/client';
import { byId, create } from '../../shared/dom.js';
import { avatar } from '../avatar.ts';
import type { Looks } from '../visitor.ts';

const NOBODY_KNOWN: Looks = { name: 'Somebody', colour: 7 };

export interface PeopleOwner {
  /** The client of this page, and how it looks. */
  readonly client: string | undefined;
  readonly looks: Looks;
  isTyping(client: string): boolean;
  onCame(client: string): void;
  onLeft(client: string): void;
}

/** Who is here: by presence the clients, by what they say of themselves their names. */
export class People {
  private readonly owner: PeopleOwner;
  private readonly list = byId('people', HTMLUListElement);
  private readonly count = byId('people-count', HTMLElement);
  private readonly known = new Map<string, Looks>();
  private here = new Set<string>();

  constructor(owner: PeopleOwner) {
    this.owner = owner;
  }

  /** Somebody has said who they are. */
  know(client: string, looks: Looks): void {
    if (client === '') return;
    this.known.set(client, looks);
    this.show();
  }

  looksOf(client: string): Looks {
    if (client === this.owner.client) return this.owner.looks;
    return this.known.get(client) ?? NOBODY_KNOWN;
  }

  /** Follows who comes and goes. */
  watch(channel: Channel): void {
    channel.on('join', ({ client }: Member) => {
      const isNews = !this.here.has(client);
      this.here.add(client);
      if (isNews && client !== this.owner.client) this.owner.onCame(client);
      this.show();
    });
    channel.on('leave', ({ client }: Member) => {
      if (this.here.delete(client) && client !== this.owner.client) this.owner.onLeft(client);
      this.show();
    });
  }

  /** Asks who is here: those who came and went while this page was away were not told. */
  async ask(channel: Channel): Promise<void> {
    const members = await channel.presence();
    this.here = new Set(members.map(({ client }) => client));
    this.show();
  }

  show(): void {
    const { owner } = this;
    const all = new Set(this.here);
    if (owner.client !== undefined) all.add(owner.client);
    const rows = [...all].map((client) => ({ client, ...this.looksOf(client) }));
    rows.sort(
      (a, b) => Number(b.client === owner.client) - Number(a.client === owner.client) || a.name.localeCompare(b.name),
    );
    this.count.textContent = String(rows.length);
    this.list.replaceChildren(
      ...rows.map(({ client, ...looks }) => {
        const tail = client === owner.client ? 'you' : owner.isTyping(client) ? 'typing' : '';
        return create('li', '', avatar(looks), create('span', 'name', looks.name), create('span', 'tail', tail));
      }),
    );
  }
}
