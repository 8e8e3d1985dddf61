// What the three ways to follow a channel have in common.

/**
 * A publication, as every transport brings it.
 * @typedef {{
 *   position: string,
 *   time: number,
 *   contentType: string,
 *   encoding?: 'base64',
 *   data: unknown,
 * }} Publication time in milliseconds since 1970, by the clock of the server
 */

/**
 * What a transport tells of itself.
 * @typedef {{
 *   opened(recovered: boolean): void,
 *   publication(publication: Publication): void,
 *   broken(): void,
 *   ended(why: string): void,
 * }} Sink opened: it is live; recovered: nothing was lost since the position it began at. broken: it comes back by itself.
 * ended: it does not
 */

/**
 * One way to follow: begins after a position, and returns what ends it.
 * @typedef {(channel: URL, since: string, sink: Sink) => () => void} Follow
 */

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

/** When to try again: later each time, and with jitter, so that not all pages come back at once. */
export class Backoff {
  #ms = FIRST_RETRY_MS;

  /** @returns milliseconds to wait */
  next() {
    const ms = this.#ms;
    this.#ms = Math.min(ms * 2, LAST_RETRY_MS);
    return ms * (0.5 + Math.random() / 2);
  }

  reset() {
    this.#ms = FIRST_RETRY_MS;
  }
}

/**
 * What is wrong, from an answer that is none of success (RFC 9457).
 * @param {Response} response
 * @returns {Promise<string>}
 */
export async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  return `${response.status}: ${body.detail ?? body.title ?? (response.statusText || 'refused')}`;
}
