import { Backoff } from './follower.js';

/**
 * `waiting`: until it has its share in the browser's connections. `lost`: not by the page's own will; it comes back. `cut`,
 * `resting`: until somebody resumes it.
 * @typedef {'waiting' | 'connecting' | 'open' | 'lost' | 'cut' | 'resting'} State
 */

/**
 * Tells once it may connect, and where that takes a while, that it waits; what it returns gives that back.
 * @typedef {(onTaken: () => void, onWaiting: () => void) => () => void} Take
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
  #take;
  #channel;
  #listener;
  #backoff = new Backoff();
  #position = '';
  /** @type {State} */
  #state = 'connecting';
  /** @type {(() => void) | undefined} */
  #giveBack;
  /** @type {(() => void) | undefined} */
  #stop;
  /** @type {number | undefined} */
  #retry;

  /**
   * @param {import('./follower.js').Follow} follow
   * @param {Take} take asked when it begins, and when it is resumed; kept while it tries to come back
   * @param {URL} channel
   * @param {Listener} listener
   */
  constructor(follow, take, channel, listener) {
    this.#follow = follow;
    this.#take = take;
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

  /**
   * Ends it, until it is resumed. Before it has begun, there is nothing to end.
   * @param {'cut' | 'resting'} state
   */
  pause(state) {
    if (this.#position === '') return;
    this.#end();
    this.#giveBack?.();
    this.#change(state);
  }

  /** Comes back, after the last position. */
  resume() {
    this.#end();
    this.#giveBack?.();
    this.#change('connecting');
    this.#giveBack = this.#take(
      () => this.#connect(),
      () => this.#change('waiting'),
    );
  }

  #connect() {
    this.#end();
    if (this.#state !== 'connecting') this.#change('connecting');
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
        this.#retry = setTimeout(() => this.#connect(), this.#backoff.next());
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
