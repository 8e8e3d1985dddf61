import type { ChannelList, ConnectionList, ConnectionSummary } from 'pulsebeacon/dashboard';
import { byId, create } from '../shared/dom.js';
import { count } from '../shared/format.js';
import { TRANSPORT_NAMES } from '../shared/transports.js';
import { ask } from './access.ts';
import { type Row, TableBody } from './tables.ts';
import { lasting, perSecond, plural, shortBytes } from './words.ts';

const REFRESH_MS = 2000;
const LISTED = 100;

/** The channels that somebody follows. */
export class ChannelTable {
  private readonly body = new TableBody(byId('channels', HTMLTableSectionElement), 'Nobody follows a channel.');
  private readonly onChosen: (name: string) => void;

  constructor(onChosen: (name: string) => void) {
    this.onChosen = onChosen;
  }

  show({ total, items }: ChannelList): void {
    const note = total > items.length ? `${count(items.length)} of ${count(total)}` : count(total);
    byId('channels-note', HTMLElement).textContent = note;
    this.body.show(
      items.map(({ name, subscribers, rate, history }) => ({
        id: name,
        cells: [
          [opener(name, () => this.onChosen(name)), 'code'],
          [count(subscribers), 'number'],
          [rate === null ? '–' : perSecond(rate), 'number strong'],
          [history.size === 0 ? 'none' : `${count(history.size)}, ${lasting(history.ageMs)}`, 'number wide soft'],
        ],
      })),
    );
  }
}

/** The connections: the slowest first, then the newest. Asked for now and then, while somebody sees them. */
export class ConnectionTable {
  private readonly body = new TableBody(byId('connections', HTMLTableSectionElement), 'No connection.');
  private readonly find = byId('find', HTMLInputElement);
  private readonly onChosen: (id: string) => void;
  private readonly onFault: (error: unknown) => void;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isAsking = false;

  constructor(onChosen: (id: string) => void, onFault: (error: unknown) => void) {
    this.onChosen = onChosen;
    this.onFault = onFault;
    this.find.addEventListener('input', () => void this.refresh());
    document.addEventListener('visibilitychange', () => void this.refresh());
  }

  /** Asks at once, and goes on to. */
  async refresh(): Promise<void> {
    clearTimeout(this.timer);
    if (document.hidden || this.isAsking) return;
    const text = this.find.value.trim();
    this.isAsking = true;
    try {
      this.show(await ask<ConnectionList>(`connections?limit=${LISTED}&text=${encodeURIComponent(text)}`));
    } catch (error) {
      this.onFault(error);
    }
    this.isAsking = false;
    if (this.find.value.trim() !== text) return void this.refresh();
    this.timer = setTimeout(() => void this.refresh(), REFRESH_MS);
    return undefined;
  }

  private show({ total, items }: ConnectionList): void {
    const matching = this.find.value.trim() === '' ? '' : ' that match';
    const shown = total > items.length ? `, ${count(items.length)} shown` : '';
    byId('connections-note', HTMLElement).textContent =
      `${plural(total, 'connection')}${matching}${shown}: the slowest first, then the newest.`;
    this.body.show(items.map((each) => this.rowOf(each)));
  }

  private rowOf({ id, address, transport, path, since, queuedBytes, isSlow }: ConnectionSummary): Row {
    return {
      id,
      cells: [
        [opener(address ?? 'a Unix socket', () => this.onChosen(id)), 'code'],
        [path, 'code'],
        [TRANSPORT_NAMES[transport] ?? transport, 'fit wide'],
        [shortBytes(queuedBytes), 'number'],
        [lasting(Date.now() - since), 'number wide'],
      ],
      className: isSlow ? 'slow' : '',
    };
  }
}

function opener(text: string, onClick: () => void): HTMLButtonElement {
  const button = create('button', 'opener', text);
  button.type = 'button';
  button.addEventListener('click', onClick);
  return button;
}
