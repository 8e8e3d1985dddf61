/**
 * By Server-Sent Events, with the EventSource of the browser: it comes back by itself, with Last-Event-ID.
 * @type {import('./follower.js').Follow}
 */
export function bySse(channel, since, sink) {
  const url = new URL(channel);
  url.searchParams.set('as', 'sse');
  url.searchParams.set('since', since);
  const source = new EventSource(url);
  source.addEventListener('subscribed', ({ data }) => {
    const { recovered, state } = JSON.parse(data);
    sink.opened(recovered);
    if (state) sink.publication(state);
  });
  source.addEventListener('message', ({ data }) => sink.publication(JSON.parse(data)));
  source.addEventListener('error', () => {
    // An answer that is no event stream ends it for good (WHATWG HTML §9.2.3).
    if (source.readyState === EventSource.CLOSED) sink.ended('the server does not answer with events');
    else sink.broken();
  });
  return () => source.close();
}
