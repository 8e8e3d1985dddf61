import { byId, create } from '../../shared/dom.js';

const MOST_ROWS = 200;

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export type Source = 'you' | 'stage' | 'client';

/** What happened, the newest first. */
export class Events {
  private readonly list = byId('events', HTMLOListElement);
  private latest = '';

  /** @param time milliseconds since 1970 */
  add(source: Source, text: string, time: number = Date.now()): void {
    const line = `${source} ${text}`;
    // The client says anew why it waits each time it tries.
    if (source === 'client' && line === this.latest) return;
    this.latest = line;
    this.list.prepend(
      create('li', source, create('time', '', clock.format(time)), create('b', '', source), create('span', '', text)),
    );
    if (this.list.childElementCount > MOST_ROWS) this.list.lastElementChild?.remove();
  }
}
