import { Arrivals, showTaken } from './arrivals.js';
import { within } from '../shared/dom.js';
import { Following } from './following.js';
import { duration, timeOfDay } from '../shared/format.js';

const now = () => timeOfDay(new Date()).slice(0, 8);

const WHY_WAITING =
  'A browser has six connections to a server, for all its windows together. The pages leave two of them free, so that you can publish.';

/** The card of one transport: its state, what came by it and how fast, and the button that cuts it off. */
export class Lane {
  /** What the page published last, of what came live: when it came, and how long it took from the click. */
  latest = { position: '', at: 0, ms: 0 };
  #card;
  #ledger;
  #following;
  #onLatency;
  #arrivals;
  #openedAt = 0;
  #recovered = 0;
  /**
   * Rows that may turn out to be this page's own.
   * @type {Map<string, { meta: HTMLElement, at: number, isLive: boolean }>}
   */
  #unclaimed = new Map();
  /**
   * While it is away: since when, and the row that says so.
   * @type {{ row: HTMLElement, what: string, from: string, missed: number } | undefined}
   */
  #absence;

  /**
   * @param {HTMLElement} card
   * @param {import('./follower.js').Follow} follow
   * @param {import('./following.js').Take} take
   * @param {URL} channel
   * @param {import('./ledger.js').Ledger} ledger
   * @param {() => void} onLatency told that {@link latest} has changed
   */
  constructor(card, follow, take, channel, ledger, onLatency) {
    this.#card = card;
    this.#ledger = ledger;
    this.#onLatency = onLatency;
    this.#arrivals = new Arrivals(within(card, '.arrivals', HTMLElement));
    this.#following = new Following(follow, take, channel, {
      changed: (state, detail) => this.#show(state, detail),
      publication: (publication) => this.#take(publication),
    });
    ledger.addReader({
      known: () => this.#countMissed(),
      clicked: (position, at) => this.#claim(position, at),
    });
    within(card, '.cut', HTMLButtonElement).addEventListener('click', () => {
      if (this.#following.state === 'cut') this.#following.resume();
      else this.#following.pause('cut');
    });
  }

  /**
   * @param {string} position after which it begins
   * @param {import('./follower.js').Publication[]} earlier what is shown of the time before
   */
  begin(position, earlier) {
    for (const publication of earlier) this.#arrivals.add(publication, 'earlier');
    this.#following.begin(position);
  }

  /** Gives the connection away while nobody looks, unless it is cut off anyway. */
  rest() {
    if (this.#following.state !== 'cut') this.#following.pause('resting');
  }

  wake() {
    if (this.#following.state === 'resting') this.#following.resume();
  }

  /** @param {number} share of the slowest transport's time, 0 to 1 */
  setShare(share) {
    this.#card.style.setProperty('--share', String(share));
  }

  /** @param {string} why it has not begun */
  showFailure(why) {
    this.#show('lost', { why });
  }

  /**
   * @param {import('./following.js').State} state
   * @param {{ recovered?: boolean, why?: string }} detail
   */
  #show(state, { recovered = true, why }) {
    if (state === 'open') this.#onReturn(recovered);
    else if (this.#card.dataset['state'] === 'open') this.#onLeave(state === 'cut' ? 'cut off' : state);
    this.#card.dataset['state'] = state;
    const texts = {
      open: `live since ${now()}`,
      waiting: 'too many windows open',
      connecting: 'connecting',
      lost: why ?? 'lost; it comes back by itself',
      cut: 'cut off',
      resting: 'rests while the tab is hidden',
    };
    const text = within(this.#card, '.state-text', HTMLElement);
    text.textContent = texts[state];
    text.title = state === 'waiting' ? WHY_WAITING : '';
    within(this.#card, '.cut span', HTMLElement).textContent = state === 'cut' ? 'Reconnect' : 'Cut off';
  }

  /** @param {string} what happened to it */
  #onLeave(what) {
    this.#absence = { row: this.#arrivals.addGap(), what, from: now(), missed: 0 };
    this.#showAbsence(`${what} since ${this.#absence.from}`);
    this.#showChip('');
  }

  /** @param {boolean} isWhole */
  #onReturn(isWhole) {
    this.#openedAt = performance.now();
    this.#recovered = 0;
    if (this.#absence !== undefined) {
      const { what, from } = this.#absence;
      this.#showAbsence(`${what} ${from} – ${now()}`);
      this.#absence = undefined;
    }
    this.#showChip(isWhole ? '' : 'not all is kept any more', true);
  }

  #countMissed() {
    if (this.#absence === undefined) return;
    const { what, from } = this.#absence;
    this.#showAbsence(`${what} since ${from}, missing ${++this.#absence.missed}`);
  }

  /** @param {string} text */
  #showAbsence(text) {
    if (this.#absence !== undefined) this.#absence.row.textContent = text;
  }

  /**
   * @param {string} text
   * @param {boolean} [isFault]
   */
  #showChip(text, isFault = false) {
    const chip = within(this.#card, '.chip', HTMLElement);
    chip.hidden = text === '';
    chip.textContent = text;
    chip.classList.toggle('fault', isFault);
  }

  /** @param {import('./follower.js').Publication} publication */
  #take(publication) {
    const at = performance.now();
    const { position } = publication;
    const isLive = this.#ledger.heard(publication) >= this.#openedAt;
    const meta = this.#arrivals.add(publication, isLive ? 'live' : 'missed');
    if (!isLive) this.#showChip(`recovered ${++this.#recovered} missed`);
    this.#unclaimed.set(position, { meta, at, isLive });
    if (this.#unclaimed.size > 20) this.#unclaimed.delete(this.#unclaimed.keys().next().value ?? '');
    const clickedAt = this.#ledger.clickOf(position);
    if (clickedAt !== undefined) this.#claim(position, clickedAt);
  }

  /**
   * A publication is this page's own: now it can be said how long it took.
   * @param {string} position
   * @param {number} clickedAt
   */
  #claim(position, clickedAt) {
    const row = this.#unclaimed.get(position);
    if (row === undefined) return;
    this.#unclaimed.delete(position);
    const ms = row.at - clickedAt;
    showTaken(row.meta, ms);
    if (!row.isLive) return;
    this.latest = { position, at: row.at, ms };
    within(this.#card, '.figure', HTMLElement).textContent = duration(ms);
    this.#onLatency();
  }
}
