import { byId, create } from '../shared/dom.js';
import { milliseconds, size, timeOfDay } from '../shared/format.js';
import { showData } from './show-data.js';

/** Older rows go, so that a page left open for a day stays light. */
const MOST_ROWS = 500;

/** The messages, the newest last. */
export class Transcript {
  #box = byId('messages', HTMLElement);
  #list = byId('list', HTMLOListElement);

  /**
   * @param {string | Uint8Array} data
   * @param {number} bytes its size on the wire, without the frame
   */
  sent(data, bytes) {
    this.#add('sent', '↑', 'sent', showData(data), create('span', 'meta', size(bytes)));
  }

  /**
   * @param {string | Uint8Array} data
   * @param {number} bytes
   * @param {number | undefined} roundTrip in milliseconds, where it is the answer to something that was sent
   */
  received(data, bytes, roundTrip) {
    const meta = create('span', 'meta', size(bytes));
    if (roundTrip !== undefined) meta.append(' · ', create('b', '', milliseconds(roundTrip)));
    this.#add('received', '↓', 'received', showData(data), meta);
  }

  /**
   * A remark on the connection itself.
   * @param {string} text
   * @param {boolean} [isFault]
   */
  note(text, isFault = false) {
    this.#add(isFault ? 'note fault' : 'note', '·', '', [text], create('span', 'meta'));
  }

  /**
   * @param {string} kind
   * @param {string} arrow
   * @param {string} label
   * @param {(Node | string)[]} data
   * @param {HTMLElement} meta
   */
  #add(kind, arrow, label, data, meta) {
    byId('empty', HTMLElement).hidden = true;
    const isAtEnd = this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < 40;
    const now = new Date();
    const time = create('time', '', timeOfDay(now));
    time.dateTime = now.toISOString();
    const way = create('span', 'way', arrow);
    if (label === '') way.setAttribute('aria-hidden', 'true');
    else {
      way.setAttribute('role', 'img');
      way.setAttribute('aria-label', label);
    }
    this.#list.append(create('li', `row ${kind}`, time, way, create('span', 'data', ...data), meta));
    while (this.#list.childElementCount > MOST_ROWS) this.#list.firstElementChild?.remove();
    // Who has scrolled up to read is left in peace.
    if (isAtEnd) this.#box.scrollTop = this.#box.scrollHeight;
  }
}
