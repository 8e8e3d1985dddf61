import { byId } from './dom.js';
import { count, shortCount } from './format.js';
import { Sparkline } from './sparkline.js';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

/**
 * What /live tells.
 * @typedef {{
 *   echo: { open: number, peak: number, messagesIn: number },
 *   total: { open: number },
 *   rates: { messagesIn: number },
 * }} Counts
 */

/**
 * Shows the counts of the server as they change, and comes back when the connection was lost.
 * @param {string} url
 */
export function watchCounts(url) {
  const sparkline = new Sparkline(document.getElementById('sparkline'));
  let retryMs = FIRST_RETRY_MS;

  const connect = () => {
    const socket = new WebSocket(url);
    socket.addEventListener('open', () => {
      retryMs = FIRST_RETRY_MS;
      showState('open', 'live');
    });
    socket.addEventListener('message', ({ data }) => {
      /** @type {Counts} */
      const counts = JSON.parse(data);
      showCounts(counts);
      sparkline.set(counts.echo.open);
    });
    socket.addEventListener('close', () => {
      sparkline.set(undefined);
      showState('failed', 'the server does not answer; trying again');
      // With jitter, so that not all pages come back at once.
      setTimeout(connect, retryMs * (0.5 + Math.random() / 2));
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    });
  };
  connect();
}

/** @param {Counts} counts */
function showCounts({ echo, total, rates }) {
  byId('echo-open', HTMLElement).textContent = count(echo.open);
  byId('echo-peak', HTMLElement).textContent = shortCount(echo.peak);
  byId('total-open', HTMLElement).textContent = shortCount(total.open);
  byId('rate-in', HTMLElement).textContent = shortCount(rates.messagesIn);
  byId('messages-in', HTMLElement).textContent = shortCount(echo.messagesIn);
}

/**
 * @param {'open' | 'failed'} state
 * @param {string} text
 */
function showState(state, text) {
  byId('live-state', HTMLElement).dataset['state'] = state;
  byId('live-text', HTMLElement).textContent = text;
  document.querySelector('.count')?.toggleAttribute('data-stale', state !== 'open');
}
