import { create, within } from '../shared/dom.js';

const HEADS = ['request', 'response'];

/** An id that nobody guesses. Not crypto.randomUUID: that one is for https and localhost alone. */
export function traceId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Shows both heads of a handshake. A page cannot see the answer that opened its WebSocket; the server remembers it for
 * a minute, by a random id that the page put into the address.
 * @param {HTMLElement} card with a panel for each head
 * @param {string} id
 */
export async function showHandshake(card, id) {
  try {
    const answer = await fetch(`/trace/${id}`);
    if (!answer.ok) throw new Error(`the server does not know this handshake (${answer.status})`);
    const { request, response } = await answer.json();
    showHead(panelOf(card, 'request'), request);
    showHead(panelOf(card, 'response'), response);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    for (const name of HEADS) panelOf(card, name).replaceChildren(create('p', 'empty', text));
  }
}

/**
 * @param {HTMLElement} card
 * @param {string} name
 */
const panelOf = (card, name) => within(card, `[data-head="${name}"]`, HTMLElement);

/**
 * @param {HTMLElement} panel
 * @param {string[]} lines
 */
function showHead(panel, [first = '', ...fields]) {
  const list = create('dl');
  for (const line of fields) {
    const colon = line.indexOf(':');
    list.append(
      create('div', '', create('dt', '', line.slice(0, colon)), create('dd', '', line.slice(colon + 1).trim())),
    );
  }
  panel.replaceChildren(create('p', 'status-line', first), list);
}
