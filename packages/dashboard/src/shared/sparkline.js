import { within } from './dom.js';

const WIDTH = 240;
const HEIGHT = 64;
/** Room for the stroke, above and below. */
const MARGIN = 3;
const SAMPLES = 120;
const STEP_MS = 500;

/** The last minute of a number, as steps. It moves on by itself, whether the number changes or not. */
export class Sparkline {
  /** @type {(number | undefined)[]} */
  #samples = [];
  /** @type {number | undefined} */
  #value;
  #what;
  #svg;
  #line;
  #area;

  /**
   * @param {ParentNode} card with an svg of class `sparkline`, and in it a path of class `line` and one of class `area`
   * @param {string} what is counted
   */
  constructor(card, what) {
    this.#what = what;
    this.#svg = within(card, '.sparkline', SVGElement);
    this.#line = within(this.#svg, '.line', SVGElement);
    this.#area = within(this.#svg, '.area', SVGElement);
    setInterval(() => this.#step(), STEP_MS);
  }

  /** @param {number | undefined} value undefined: not known */
  set(value) {
    this.#value = value;
    this.#draw();
  }

  #step() {
    this.#samples.push(this.#value);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    this.#draw();
  }

  #draw() {
    const values = [...this.#samples, this.#value];
    const most = values.reduce((/** @type {number} */ a, b) => Math.max(a, b ?? 0), 0);
    // At least three steps high, so that one connection does not look like a crowd.
    const unit = (HEIGHT - 2 * MARGIN) / Math.max(most, 3);
    const y = (/** @type {number} */ value) => (HEIGHT - MARGIN - value * unit).toFixed(1);
    const x = (/** @type {number} */ at) => (WIDTH - ((values.length - 1 - at) * WIDTH) / SAMPLES).toFixed(1);
    let line = '';
    let area = '';
    let from = 0;
    const flush = (/** @type {number} */ to) => {
      if (to - from < 2) return;
      let steps = `${x(from)} ${y(values[from] ?? 0)}`;
      for (let at = from + 1; at < to; at++) steps += ` H${x(at)} V${y(values[at] ?? 0)}`;
      line += `M${steps}`;
      area += `M${x(from)} ${HEIGHT - MARGIN} L${steps} V${HEIGHT - MARGIN} Z`;
    };
    for (const [at, value] of values.entries()) {
      if (value !== undefined) continue;
      flush(at);
      from = at + 1;
    }
    flush(values.length);
    this.#line.setAttribute('d', line);
    this.#area.setAttribute('d', area);
    this.#svg.setAttribute(
      'aria-label',
      `${this.#what} over the last minute: now ${this.#value ?? 'not known'}, at most ${most}`,
    );
  }
}
