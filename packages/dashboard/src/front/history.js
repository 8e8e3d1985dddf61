const MOST = 100;

/** What was sent before, to bring back with the arrow keys; what was being written is kept below it. */
export class History {
  /** @type {string[]} */
  #entries = [];
  #at = 0;
  #draft = '';

  /** @param {string} text */
  add(text) {
    if (text !== '' && this.#entries.at(-1) !== text) this.#entries.push(text);
    if (this.#entries.length > MOST) this.#entries.shift();
    this.#at = this.#entries.length;
    this.#draft = '';
  }

  /**
   * @param {string} current what is in the field now
   * @returns {string | undefined} undefined where there is nothing older
   */
  older(current) {
    if (this.#at === 0) return undefined;
    if (this.#at === this.#entries.length) this.#draft = current;
    return this.#entries[--this.#at];
  }

  /** @returns {string | undefined} undefined where there is nothing newer */
  newer() {
    if (this.#at === this.#entries.length) return undefined;
    this.#at++;
    return this.#at === this.#entries.length ? this.#draft : this.#entries[this.#at];
  }
}
