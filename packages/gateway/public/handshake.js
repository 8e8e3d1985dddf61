import { byId, create } from './dom.js';

/**
 * Shows both heads of a handshake. A page cannot see the answer that opened its WebSocket; the server remembers it for
 * a minute, by a random id that the page put into the address.
 * @param {string} id
 */
export async function showHandshake(id) {
  try {
    const answer = await fetch(`/trace/${id}`);
    if (!answer.ok) throw new Error(`the server does not know this handshake (${answer.status})`);
    const { request, response } = await answer.json();
    showHead('request', request);
    showHead('response', response);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    for (const panel of ['request', 'response']) byId(panel, HTMLElement).replaceChildren(create('p', 'empty', text));
  }
}

/**
 * @param {string} panel
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
  byId(panel, HTMLElement).replaceChildren(create('p', 'status-line', first), list);
}
