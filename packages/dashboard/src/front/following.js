import { Backoff } from './follower.js';

/**
 * `lost`: not by the page's own will; it comes back. `cut`, `resting`: until somebody resumes it.
 * @typedef {'connecting' | 'open' | 'lost' | 'cut' | 'resting'} State
 */

/**
 * @typedef {{
 *   changed(state: State, detail: { recovered?: boolean, why?: string }): void,
 *   publication(publication: import('./follower.js').Publication): void,
 * }} Listener
 */

/** Keeps a channel followed by one transport: from where it was, whenever it was away. */
export class Following {
  #follow;
  #channel;
  #listener;
  #backoff = new Backoff();
  #position = '';
  /** @type {State} */
  #state = 'connecting';
  /** @type {(() => void) | undefined} */
  #stop;
  /** @type {number | undefined} */
  #retry;

  /**
   * @param {import('./follower.js').Follow} follow
   * @param {URL} channel
   * @param {Listener} listener
   */
  constructor(follow, channel, listener) {
    this.#follow = follow;
    this.#channel = channel;
    this.#listener = listener;
  }

  get state() {
    return this.#state;
  }

  /** @param {string} position after which it begins */
  begin(position) {
    this.#position = position;
    this.resume();
  }

  /** @param {'cut' | 'resting'} state */
  pause(state) {
    this.#end();
    this.#change(state);
  }

  /** Comes back, after the last position. */
  resume() {
    this.#end();
    this.#change('connecting');
    this.#stop = this.#follow(this.#channel, this.#position, {
      opened: (recovered) => {
        this.#backoff.reset();
        this.#change('open', { recovered });
      },
      publication: (publication) => {
        this.#position = publication.position;
        this.#listener.publication(publication);
      },
      broken: () => this.#change('lost'),
      ended: (why) => {
        this.#change('lost', { why });
        this.#retry = setTimeout(() => this.resume(), this.#backoff.next());
      },
    });
  }

  #end() {
    clearTimeout(this.#retry);
    this.#stop?.();
    this.#stop = undefined;
  }

  /**
   * @param {State} state
   * @param {{ recovered?: boolean, why?: string }} [detail]
   */
  #change(state, detail = {}) {
    this.#state = state;
    this.#listener.changed(state, detail);
  }
}
