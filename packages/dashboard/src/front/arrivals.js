import { create } from '../shared/dom.js';
import { duration, timeOfDay } from '../shared/format.js';
import { showData } from './show-data.js';

/** Older rows go, so that a page left open for a day stays light. */
const MOST_ROWS = 60;

/**
 * How a publication came: live; missed and recovered; or published before this page was there.
 * @typedef {'live' | 'missed' | 'earlier'} Way
 */

/** What came by one transport, the newest first. */
export class Arrivals {
  #list;

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /**
   * @param {import('./follower.js').Publication} publication
   * @param {Way} way
   * @returns the place for how long it took
   */
  add(publication, way) {
    const time = create('time', '', timeOfDay(new Date(publication.time)).slice(0, 8));
    time.dateTime = new Date(publication.time).toISOString();
    const meta = create('span', 'meta', time);
    const tag = way === 'missed' ? [create('span', 'tag', 'recovered')] : [];
    const row = create('li', `arrival ${way}`, create('span', 'data', ...payloadOf(publication)), ...tag, meta);
    row.dataset['position'] = publication.position;
    this.#put(row);
    return meta;
  }

  /** A line between what came before an absence and what comes after it. */
  addGap() {
    const gap = create('li', 'gap');
    this.#put(gap);
    return gap;
  }

  /** @param {HTMLElement} row */
  #put(row) {
    this.#list.prepend(row);
    while (this.#list.childElementCount > MOST_ROWS) this.#list.lastElementChild?.remove();
  }
}

/**
 * @param {HTMLElement} meta of a row
 * @param {number} ms from the click
 */
export function showTaken(meta, ms) {
  meta.replaceChildren(create('b', '', duration(ms)));
}

/** @param {import('./follower.js').Publication} publication */
function payloadOf({ data, encoding, contentType }) {
  if (encoding === 'base64')
    return showData(Uint8Array.from(atob(String(data)), (character) => character.charCodeAt(0)));
  if (/[/+]json\b/.test(contentType)) return showData(JSON.stringify(data));
  return showData(String(data));
}
