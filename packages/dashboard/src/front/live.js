import { byId } from '../shared/dom.js';
import { count, shortCount } from '../shared/format.js';
import { Sparkline } from '../shared/sparkline.js';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

/**
 * What /live tells. By HTTP it knows no rates.
 * @typedef {{
 *   echo: { open: number, peak: number, messagesIn: number },
 *   channels: { byTransport: Record<string, number> },
 *   live: { open: number },
 *   total: { open: number, peak: number },
 *   rates?: { messagesIn: number, published: number },
 * }} Counts
 */

/**
 * Shows the counts of the server as they change, and comes back when the connection was lost. Where no WebSocket comes through,
 * it asks by HTTP, now and then.
 * @param {string} url
 */
export function watchCounts(url) {
  const pages = new Sparkline(byId('watching', HTMLElement), 'Pages');
  const echoes = new Sparkline(byId('echo-counts', HTMLElement), 'Echo connections');
  const draw = (/** @type {Counts | undefined} */ counts) => {
    pages.set(counts?.live.open);
    echoes.set(counts?.echo.open);
  };
  const show = (/** @type {Counts} */ counts) => {
    showCounts(counts);
    draw(counts);
  };
  const ask = async () => {
    try {
      const answer = await fetch(url.replace(/^ws/, 'http'), { cache: 'no-store' });
      show(await answer.json());
      showState('open', 'live, without WebSocket');
    } catch {
      lose();
    }
  };
  const lose = () => {
    draw(undefined);
    showState('failed', 'no answer; trying again');
  };
  let retryMs = FIRST_RETRY_MS;

  const connect = () => {
    const socket = new WebSocket(url);
    let hasOpened = false;
    socket.addEventListener('open', () => {
      hasOpened = true;
      retryMs = FIRST_RETRY_MS;
      showState('open', 'live');
    });
    socket.addEventListener('message', ({ data }) => {
      show(JSON.parse(data));
    });
    socket.addEventListener('close', () => {
      if (hasOpened) lose();
      else void ask();
      // With jitter, so that not all pages come back at once.
      setTimeout(connect, retryMs * (0.5 + Math.random() / 2));
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    });
  };
  connect();
}

/** @param {Counts} counts */
function showCounts({ echo, channels, live, total, rates }) {
  byId('pages-open', HTMLElement).textContent = count(live.open);
  byId('all-open', HTMLElement).textContent = shortCount(total.open);
  byId('all-peak', HTMLElement).textContent = shortCount(total.peak);
  byId('published-rate', HTMLElement).textContent = rates === undefined ? '–' : shortCount(rates.published);
  for (const place of document.querySelectorAll('[data-transport]')) {
    if (place instanceof HTMLElement)
      place.textContent = shortCount(channels.byTransport[place.dataset['transport'] ?? ''] ?? 0);
  }
  byId('echo-open', HTMLElement).textContent = count(echo.open);
  byId('echo-peak', HTMLElement).textContent = shortCount(echo.peak);
  byId('total-open', HTMLElement).textContent = shortCount(total.open);
  byId('rate-in', HTMLElement).textContent = rates === undefined ? '–' : shortCount(rates.messagesIn);
  byId('messages-in', HTMLElement).textContent = shortCount(echo.messagesIn);
}

/**
 * @param {'open' | 'failed'} state
 * @param {string} text
 */
function showState(state, text) {
  byId('live-state', HTMLElement).dataset['state'] = state;
  byId('live-text', HTMLElement).textContent = text;
  for (const card of document.querySelectorAll('.count')) card.toggleAttribute('data-stale', state !== 'open');
}
