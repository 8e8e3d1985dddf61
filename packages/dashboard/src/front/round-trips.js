const KEPT = 50;

/** How long messages take there and back. An echo answers in order: the oldest that waits is the one that came. */
export class RoundTrips {
  /** @type {{ at: number, bytes: number }[]} */
  #waiting = [];
  /** @type {number[]} */
  #times = [];

  /** @param {number} bytes */
  sent(bytes) {
    this.#waiting.push({ at: performance.now(), bytes });
  }

  /**
   * @param {number} bytes
   * @param {number} at when it came, by performance.now()
   * @returns {number | undefined} milliseconds; undefined where it answers nothing that was sent
   */
  received(bytes, at) {
    if (this.#waiting[0]?.bytes !== bytes) return undefined;
    const time = at - (this.#waiting.shift()?.at ?? at);
    this.#times.push(time);
    if (this.#times.length > KEPT) this.#times.shift();
    return time;
  }

  /** The median of the last round trips, in milliseconds; undefined where there was none. */
  get median() {
    return [...this.#times].sort((a, b) => a - b)[Math.floor(this.#times.length / 2)];
  }

  clear() {
    this.#waiting = [];
    this.#times = [];
  }
}
