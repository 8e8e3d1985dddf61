import type { Beacon, Subscription } from '@pulsebeacon/client';
import {
  type ChannelDetail,
  type ConnectionDetail,
  type Messages,
  messagesChannel,
  type SeenMessage,
} from 'pulsebeacon/dashboard';
import { byId, create } from '../shared/dom.js';
import { count, timeOfDay } from '../shared/format.js';
import { TRANSPORT_NAMES } from '../shared/transports.js';
import { ask, Problem } from './access.ts';
import { lasting, plural, shortBytes } from './words.ts';

const REFRESH_MS = 1000;
const MOST_MESSAGES = 100;
const NOT_CONNECTED = 'Not connected just now: it has ended, or is between two polls.';
const CLOSED = 'Closed: its client was told why, and may come back.';

type Fact = readonly [name: string, value: string];

/** One connection, or one channel, looked at closely. */
export class Glass {
  private readonly dialog = byId('glass', HTMLDialogElement);
  private readonly facts = byId('glass-facts', HTMLElement);
  private readonly body = byId('glass-body', HTMLElement);
  private readonly footer = byId('glass-footer', HTMLElement);
  private readonly beacon: Beacon;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watching: Subscription | undefined;
  /** What is shown was closed here. */
  private hasClosed = false;
  /** Of what is shown; what comes late for what was shown before is dropped. */
  private turn = 0;

  constructor(beacon: Beacon) {
    this.beacon = beacon;
    byId('glass-back', HTMLElement).addEventListener('click', () => this.dialog.close());
    this.dialog.addEventListener('close', () => {
      this.onClosed();
      // The browser goes back to what was chosen; what has been closed is in the list no more.
      if (document.activeElement === document.body) document.querySelector<HTMLElement>('.opener')?.focus();
    });
    // Beside it is outside.
    this.dialog.addEventListener('click', ({ target }) => {
      if (target === this.dialog) this.dialog.close();
    });
  }

  showConnection(id: string): void {
    const turn = this.open('Connection', id);
    const look = async (): Promise<void> => {
      try {
        const detail = await ask<ConnectionDetail>(`connections/${encodeURIComponent(id)}`);
        if (turn !== this.turn) return;
        if (this.body.childElementCount === 0) this.fillConnection(detail);
        if (this.footer.querySelector('.danger') === null) this.footer.replaceChildren(...this.closer(id));
        this.showFacts(factsOf(detail));
      } catch (error) {
        // Its client may come back, by another connection: it has the same id then.
        if (turn === this.turn) this.showFault(error, this.hasClosed ? CLOSED : NOT_CONNECTED);
      }
      if (turn === this.turn) this.timer = setTimeout(() => void look(), REFRESH_MS);
    };
    void look();
  }

  showChannel(name: string): void {
    const turn = this.open('Channel', name);
    let shown: string | undefined;
    const look = async (): Promise<void> => {
      try {
        const detail = await ask<ChannelDetail>(`channels/${encodeURIComponent(name)}`);
        if (turn !== this.turn) return;
        this.showFacts(channelFacts(detail));
        const newest = detail.publications[0]?.position ?? '';
        // Where nothing is new, what somebody has selected stays.
        if (newest !== shown)
          this.body.replaceChildren(create('h3', '', 'Newest publications'), publicationList(detail));
        shown = newest;
        this.timer = setTimeout(() => void look(), REFRESH_MS);
      } catch (error) {
        if (turn === this.turn) this.showFault(error, 'There is no such channel.');
      }
    };
    void look();
  }

  private open(kind: string, title: string): number {
    this.onClosed();
    this.hasClosed = false;
    byId('glass-over', HTMLElement).textContent = kind;
    byId('glass-title', HTMLElement).textContent = title;
    this.facts.replaceChildren();
    this.body.replaceChildren();
    this.footer.replaceChildren();
    if (!this.dialog.open) this.dialog.showModal();
    return this.turn;
  }

  private onClosed(): void {
    this.turn++;
    clearTimeout(this.timer);
    this.watching?.unsubscribe();
    this.watching = undefined;
  }

  private showFacts(facts: readonly Fact[]): void {
    for (const [at, [name, value]] of facts.entries()) {
      const place = this.facts.children[at];
      if (place === undefined) this.facts.append(create('div', '', create('dt', '', name), create('dd', '', value)));
      else if (place.lastElementChild!.textContent !== value) place.lastElementChild!.textContent = value;
    }
  }

  private showFault(error: unknown, gone: string): void {
    const text = error instanceof Problem && error.status === 404 ? gone : messageOf(error);
    this.footer.replaceChildren(create('p', text === CLOSED ? 'note' : 'fault', text));
  }

  private fillConnection({ id, follows, canWatch }: ConnectionDetail): void {
    if (follows.length > 0) {
      const names = follows.map((name) => create('li', '', name));
      this.body.append(create('h3', '', 'Follows'), create('ul', 'names', ...names));
    }
    if (!canWatch) {
      this.body.append(create('p', 'empty', 'It is no client of channels: its messages are not shown.'));
      return;
    }
    const log = create('ol', 'log');
    const button = create('button', 'quiet', 'Show messages');
    button.type = 'button';
    button.addEventListener('click', () => this.watch(id, log, button));
    this.body.append(create('div', 'messages-row', create('h3', '', 'Messages'), button), log);
  }

  /** From now on, what goes over the connection is shown; nobody looked at it before. */
  private watch(id: string, log: HTMLElement, button: HTMLButtonElement): void {
    if (this.watching !== undefined) {
      this.watching.unsubscribe();
      this.watching = undefined;
      button.textContent = 'Show messages';
      return;
    }
    button.textContent = 'Stop';
    log.replaceChildren(create('li', 'none', 'Waiting for the next message.'));
    const show = ({ items, leftOut }: Messages): void => {
      log.querySelector('.none')?.remove();
      if (leftOut > 0) log.prepend(create('li', 'left-out', `${count(leftOut)} more, too fast to be shown`));
      log.prepend(...items.map(messageEntry).reverse());
      while (log.childElementCount > MOST_MESSAGES) log.lastElementChild!.remove();
    };
    this.watching = this.beacon
      .channel<Messages>(messagesChannel(id))
      .subscribe({ onPublication: ({ data }) => show(data) });
    this.watching.ready.catch((error: unknown) => log.replaceChildren(create('li', 'none', messageOf(error))));
  }

  /** Ends the connection, when asked twice. */
  private closer(id: string): Node[] {
    const button = create('button', 'quiet danger', 'Close this connection');
    button.type = 'button';
    const hint = create('p', 'note', 'Its client is told why, and may come back.');
    let isAsked = false;
    button.addEventListener('click', async () => {
      if (!isAsked) {
        isAsked = true;
        button.textContent = 'Really close it?';
        return;
      }
      button.disabled = true;
      try {
        await ask(`connections/${encodeURIComponent(id)}`, 'DELETE');
        this.hasClosed = true;
        hint.textContent = CLOSED;
      } catch (error) {
        hint.textContent = messageOf(error);
      }
    });
    button.addEventListener('blur', () => {
      isAsked = false;
      if (!button.disabled) button.textContent = 'Close this connection';
    });
    return [button, hint];
  }
}

function factsOf(detail: ConnectionDetail): Fact[] {
  const { address, transport, httpVersion, path, since, queuedBytes, isSlow, principal, channels, traffic } = detail;
  const facts: Fact[] = [
    ['From', address ?? 'a Unix socket'],
    ['Transport', `${TRANSPORT_NAMES[transport] ?? transport}, HTTP/${httpVersion}`],
    ['Path', path],
    ['Since', `${timeOfDay(new Date(since)).slice(0, 8)}, for ${lasting(Date.now() - since)}`],
    ['Queue', `${shortBytes(queuedBytes)}${isSlow ? ': slow' : ''}`],
    ['Who', principal ?? 'nobody in particular'],
  ];
  if (channels !== null) facts.push(['Channels', count(channels)]);
  if (traffic !== null) {
    const { messagesIn, messagesOut, bytesIn, bytesOut } = traffic;
    facts.push(['Received', `${plural(messagesIn, 'message')}, ${shortBytes(bytesIn)}`]);
    facts.push(['Sent', `${plural(messagesOut, 'message')}, ${shortBytes(bytesOut)}`]);
  }
  return facts;
}

function channelFacts({ subscribers, rate, history, presence, slowConsumer }: ChannelDetail): Fact[] {
  return [
    ['Followers', count(subscribers)],
    ['Rate', rate === null ? '–' : `${count(rate)} a second`],
    ['History', history.size === 0 ? 'none' : `${count(history.size)}, for ${lasting(history.ageMs)}`],
    ['Presence', presence ? 'kept' : 'not kept'],
    ['Slow consumers', slowConsumer],
  ];
}

function publicationList({ publications }: ChannelDetail): HTMLElement {
  if (publications.length === 0) return create('p', 'empty', 'Nothing is kept of it.');
  const entries = publications.map(({ position, time, contentType, size, text }) => {
    const head = create(
      'p',
      'entry-head',
      create('b', '', position),
      create('span', '', contentType),
      create('span', '', shortBytes(size)),
      create('time', '', timeOfDay(new Date(time))),
    );
    return create('li', '', head, create('pre', '', text));
  });
  return create('ol', 'log', ...entries);
}

function messageEntry({ at, way, type, channel, size, text }: SeenMessage): HTMLElement {
  const arrow = create('b', `way ${way}`, way === 'in' ? '↑' : '↓');
  arrow.title = way === 'in' ? 'from the client' : 'to the client';
  const head = create(
    'p',
    'entry-head',
    arrow,
    create('b', '', type),
    create('span', '', channel ?? ''),
    create('span', '', shortBytes(size)),
    create('time', '', timeOfDay(new Date(at))),
  );
  return create('li', '', head, create('pre', '', text));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
