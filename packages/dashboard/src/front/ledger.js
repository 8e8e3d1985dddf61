const KEPT = 500;

/**
 * Who is told: of each position once, when the page first hears of it; and of each that the page published, when it
 * knows so, with the time of the click.
 * @typedef {{
 *   known(position: string): void,
 *   clicked(position: string, at: number): void,
 * }} Reader
 */

/** What this page knows of publications, by position. All times are those of performance.now(). */
export class Ledger {
  /** @type {Map<string, number>} */
  #clicks = new Map();
  /** @type {Map<string, number>} */
  #heard = new Map();
  /** @type {Reader[]} */
  #readers = [];

  /** @param {Reader} reader */
  addReader(reader) {
    this.#readers.push(reader);
  }

  /**
   * The page has published. The publication may have arrived before the answer that says so.
   * @param {string} position
   * @param {number} at when it was clicked
   */
  clicked(position, at) {
    add(this.#clicks, position, at);
    this.#hear(position, at);
    for (const reader of this.#readers) reader.clicked(position, at);
  }

  /** @param {string} position */
  clickOf(position) {
    return this.#clicks.get(position);
  }

  /**
   * When the page first heard of a publication. Of one that nothing has brought before, the server's clock says when it
   * was published.
   * @param {import('./follower.js').Publication} publication that comes now
   */
  heard({ position, time }) {
    return this.#hear(position, performance.now() - Math.max(0, Date.now() - time));
  }

  /**
   * @param {string} position
   * @param {number} at
   */
  #hear(position, at) {
    const before = this.#heard.get(position);
    if (before !== undefined) return before;
    add(this.#heard, position, at);
    for (const reader of this.#readers) reader.known(position);
    return at;
  }
}

/**
 * @param {Map<string, number>} map
 * @param {string} key
 * @param {number} value
 */
function add(map, key, value) {
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= KEPT) break;
    map.delete(oldest);
  }
}
