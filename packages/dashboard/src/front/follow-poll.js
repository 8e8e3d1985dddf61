import { problemOf } from './follower.js';

/** How long the server may keep a request, in seconds. */
const WAIT_S = 25;

/**
 * By long poll: one request after the other, each after the position of the answer before.
 * @type {import('./follower.js').Follow}
 */
export function byPoll(channel, since, sink) {
  const stopping = new AbortController();
  const { signal } = stopping;
  let position = since;

  /** @param {number} seconds */
  async function ask(seconds) {
    const url = new URL(channel);
    url.searchParams.set('since', position);
    url.searchParams.set('wait', String(seconds));
    const response = await fetch(url, { signal, cache: 'no-store', headers: { Accept: 'application/json' } });
    if (response.status === 204) return { position, recovered: true, publications: [] };
    if (!response.ok) throw new Error(await problemOf(response));
    return await response.json();
  }

  async function follow() {
    // The first one does not wait: it says that the server is there, and what was missed.
    for (let wait = 0; !signal.aborted; wait = WAIT_S) {
      // Each needs the position of the one before.
      const answer = await ask(wait);
      if (wait === 0 || !answer.recovered) sink.opened(answer.recovered);
      if (answer.state) sink.publication(answer.state);
      for (const publication of answer.publications) sink.publication(publication);
      position = answer.position;
    }
  }

  follow().catch((error) => {
    if (signal.aborted) return;
    // How fetch says that there was no answer, each browser in words of its own.
    sink.ended(error instanceof TypeError ? 'no answer' : error.message);
  });
  return () => stopping.abort();
}
