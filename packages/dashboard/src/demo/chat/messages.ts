import { byId, create } from '../../shared/dom.js';
import { avatar } from '../avatar.ts';
import type { Said } from './said.ts';

const MOST_ROWS = 400;
/** Messages of the same visitor within so long stand together. */
const TOGETHER_MS = 120_000;
/** So close to its end, the list follows what comes. */
const NEAR_PX = 60;

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** The list of what was said, and below it what is not sent yet. Text is text, never markup. */
export class Messages {
  private readonly box = byId('list', HTMLElement);
  private readonly list = byId('messages', HTMLOListElement);
  private readonly waiting = byId('waiting', HTMLOListElement);
  private readonly own = new Map<string, HTMLElement>();
  private last: { readonly author: string; readonly time: number } | undefined;

  /** A message has come. @returns its row */
  add(said: Said, time: number): HTMLElement {
    const { name, by } = said;
    const isOwn = this.own.has(said.id);
    this.own.get(said.id)?.remove();
    this.own.delete(said.id);
    const author = `${by} ${name}`;
    const isMore = this.last !== undefined && this.last.author === author && time - this.last.time < TOGETHER_MS;
    this.last = { author, time };
    const row = rowOf(said, clock.format(time), isMore);
    row.classList.toggle('own', isOwn);
    this.append(row);
    return row;
  }

  /** A line about what happens. */
  note(text: string): HTMLElement {
    const row = create('li', 'note', text);
    this.last = undefined;
    this.append(row);
    return row;
  }

  /** A line above a row that is there. */
  noteAbove(row: HTMLElement, text: string): void {
    row.before(create('li', 'note missed', create('span', '', text)));
  }

  /** Something is on its way. @returns says why it cannot be sent */
  wait(said: Said, how: string): (reason: string) => void {
    const row = rowOf(said, how, false);
    row.classList.add('waits');
    this.own.set(said.id, row);
    this.follow(() => this.waiting.append(row));
    return (reason) => {
      this.own.delete(said.id);
      row.classList.add('fault');
      row.querySelector('time')!.textContent = `not sent: ${reason}`;
    };
  }

  private append(row: HTMLElement): void {
    byId('empty', HTMLElement).hidden = true;
    this.follow(() => {
      this.list.append(row);
      if (this.list.childElementCount > MOST_ROWS) this.list.firstElementChild?.remove();
    });
  }

  private follow(change: () => void): void {
    const { box } = this;
    const isNear = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
    change();
    if (isNear) box.scrollTop = box.scrollHeight;
  }
}

function rowOf(said: Said, when: string, isMore: boolean): HTMLElement {
  const name = create('b', 'name', said.name);
  name.dataset['colour'] = String(said.colour);
  const head = create('p', 'who', name, ' ', create('time', '', when));
  const row = create('li', 'said', avatar(said), create('div', '', head, create('p', 'text', said.text)));
  row.classList.toggle('more', isMore);
  return row;
}
