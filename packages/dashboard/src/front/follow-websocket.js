import { meaningOf } from './close-codes.js';
import { traceId } from './handshake.js';

/** Of the application, in which each message is JSON with its position. */
const SUBPROTOCOL = 'pulsebeacon.json';
/** Heartbeats come more often than this; a path on which nothing comes is broken, whatever TCP says. */
const MOST_SILENCE_MS = 15_000;

/**
 * By WebSocket. It does not come back by itself: whoever follows begins again, after the last position.
 * @param {(traceId: string) => void} onHandshake told of the id by which the server remembers the handshake
 * @returns {import('./follower.js').Follow}
 */
export const byWebSocket = (onHandshake) => (channel, since, sink) => {
  const trace = traceId();
  const url = new URL(channel);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('since', since);
  url.searchParams.set('trace', trace);
  const socket = new WebSocket(url, SUBPROTOCOL);
  let isOver = false;
  /** @type {number | undefined} */
  let silence;
  let why = '';

  const end = (/** @type {string} */ text) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(silence);
    socket.close();
    sink.ended(text);
  };
  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => end('nothing came for 15 s'), MOST_SILENCE_MS);
  };
  let hasOpened = false;
  socket.addEventListener('open', () => {
    hasOpened = true;
    listen();
    onHandshake(trace);
  });
  socket.addEventListener('message', ({ data }) => {
    if (isOver) return;
    listen();
    const message = JSON.parse(data);
    if (message.type === 'subscribed') {
      sink.opened(message.recovered);
      if (message.state) sink.publication(message.state);
    } else if (message.type === 'publication') sink.publication(message);
    else if (message.type === 'bye' || message.type === 'unsubscribed') why = message.detail ?? message.code ?? '';
  });
  socket.addEventListener('close', ({ code, reason }) => {
    if (hasOpened) end(why || reason || `closed with ${code}, ${meaningOf(code)}`);
    else void whyNotOpened(channel).then(end);
  });
  return () => {
    isOver = true;
    clearTimeout(silence);
    socket.close(1000);
  };
};

/**
 * A browser keeps to itself what a handshake was answered: whether the server is there can be asked by HTTP.
 * @param {URL} channel
 */
async function whyNotOpened(channel) {
  try {
    await fetch(new URL('/healthz', channel), { cache: 'no-store' });
    return 'refused; a proxy may drop Upgrade';
  } catch {
    return 'no answer';
  }
}
