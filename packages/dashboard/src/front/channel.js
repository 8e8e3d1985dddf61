import { byId } from '../shared/dom.js';
import { Backoff, problemOf } from './follower.js';
import { byPoll } from './follow-poll.js';
import { bySse } from './follow-sse.js';
import { byWebSocket } from './follow-websocket.js';
import { showHandshake } from './handshake.js';
import { Lane } from './lane.js';
import { Ledger } from './ledger.js';
import { startPublishing } from './publish.js';
import { takeFreely, takeShare } from './shares.js';

/** So much of the time before is shown. */
const EARLIER = 5;

/**
 * A channel, live by three transports, and a box that publishes.
 * @param {URL} channel
 * @param {(position: string) => void} onPosition told where the channel is
 */
export function startChannel(channel, onPosition) {
  const ledger = new Ledger();
  const card = byId('channel-handshake', HTMLElement);
  const onHandshake = (/** @type {string} */ id) => void showHandshake(card, id);
  const lanes = [
    laneOf('by-websocket', byWebSocket(onHandshake), takeFreely),
    laneOf('by-sse', bySse, takeShare),
    laneOf('by-poll', byPoll, takeShare),
  ];
  ledger.addReader({ known: onPosition, clicked: () => {} });
  startPublishing(channel, (position, at) => ledger.clicked(position, at));
  void begin();

  // Those that nobody looks at need no share in the connections of the browser.
  const resting = lanes.slice(1);
  document.addEventListener('visibilitychange', rest);
  function rest() {
    for (const lane of resting) {
      if (document.hidden) lane.rest();
      else lane.wake();
    }
  }

  /**
   * @param {string} id
   * @param {import('./follower.js').Follow} follow
   * @param {import('./following.js').Take} take
   */
  function laneOf(id, follow, take) {
    return new Lane(byId(id, HTMLElement), follow, take, channel, ledger, compare);
  }

  /** All begin at the same position, right behind the earlier ones that are shown. */
  async function begin() {
    const backoff = new Backoff();
    for (;;) {
      try {
        const { position, publications } = await readHistory(channel);
        onPosition(position);
        for (const lane of lanes) lane.begin(position, publications);
        rest();
        return;
      } catch (error) {
        const why = error instanceof Error && !(error instanceof TypeError) ? error.message : 'no answer; trying again';
        for (const lane of lanes) lane.showFailure(why);
        await new Promise((resolve) => setTimeout(resolve, backoff.next()));
      }
    }
  }

  /** How fast they were with the newest message, beside each other. */
  function compare() {
    const newest = lanes.map(({ latest }) => latest);
    const { position } = newest.reduce((a, b) => (b.at > a.at ? b : a));
    const most = Math.max(...newest.map((latest) => (latest.position === position ? latest.ms : 0)));
    for (const lane of lanes) lane.setShare(lane.latest.position === position ? lane.latest.ms / most : 0);
  }
}

/**
 * @param {URL} channel
 * @returns {Promise<{ position: string, publications: import('./follower.js').Publication[] }>}
 */
async function readHistory(channel) {
  const url = new URL(channel);
  url.searchParams.set('limit', String(EARLIER));
  const response = await fetch(url, { cache: 'no-store', headers: { Accept: 'application/json' } });
  if (!response.ok) throw new Error(await problemOf(response));
  return await response.json();
}
