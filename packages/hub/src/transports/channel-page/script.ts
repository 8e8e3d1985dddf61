/**
 * What the page does: reads the history, follows the channel by WebSocket or, where the path to it allows none, by
 * Server-Sent Events, and publishes. Nothing that was published is ever taken for markup.
 */
export const SCRIPT = `
'use strict';
const MOST_SHOWN = 200;
const here = location.pathname;
const name = decodeURIComponent(here.slice(here.lastIndexOf('/') + 1));
const byId = (id) => document.getElementById(id);
const list = byId('list'), note = byId('note'), state = byId('state'), text = byId('text');
let position, failures = 0, delay = 500;

document.title = name + ' · live';
byId('name').textContent = name;
const url = location.origin + here;
byId('curl').textContent = "curl -N '" + url + "?follow'\\ncurl -d hello '" + url + "'";

function say(sentence, isBad) {
  note.textContent = sentence;
  note.className = isBad ? 'bad' : '';
}
function show(what, how) {
  state.dataset.state = what;
  state.textContent = how;
}
function put(tag, content, parent) {
  const element = document.createElement(tag);
  element.textContent = content;
  parent.append(element);
  return element;
}
function add(publication) {
  position = publication.position;
  const { data, encoding } = publication;
  const item = document.createElement('li');
  const line = put('p', '', item);
  put('span', new Date(publication.time).toLocaleTimeString(), line);
  if (publication.key) put('span', publication.key, line);
  put('span', publication.contentType.split(';')[0], line);
  put('span', publication.position.replace(/^.*\\./, '#'), line).title = publication.position;
  const shown = encoding ? '(base64) ' + data : typeof data === 'string' ? data : JSON.stringify(data, null, 2);
  put('pre', shown, item);
  const empty = list.querySelector('.empty');
  if (empty) empty.remove();
  list.prepend(item);
  while (list.childElementCount > MOST_SHOWN) list.lastElementChild.remove();
}
function hear(message) {
  if (message.type === 'publication') add(message);
  else if (message.type === 'subscribed') {
    if (message.position) position = message.position;
    if (!message.recovered) {
      say('Something was published meanwhile that is not kept any more; this is where the channel is now.');
      if (message.state) add(message.state);
    }
  } else if (message.type === 'bye' && message.retryAfter) delay = message.retryAfter;
  else if (message.type === 'skipped') say(message.count + ' left out: this browser reads too slowly.');
}
function since() {
  return position ? '&since=' + encodeURIComponent(position) : '';
}
function bySocket() {
  const address = url.replace(/^http/, 'ws') + '?as=json' + since();
  let socket, isOpen = false;
  try {
    socket = new WebSocket(address, 'pulsebeacon.json');
  } catch {
    return byEvents();
  }
  socket.onopen = () => {
    isOpen = true;
    failures = 0;
    delay = 500;
    show('live', 'live by WebSocket');
  };
  socket.onmessage = (event) => hear(JSON.parse(event.data));
  socket.onclose = () => {
    show('waiting', 'connecting again');
    // Once it has worked, it is the network; before that, something on the way may not let WebSockets through.
    if (!isOpen && ++failures > 1) return byEvents();
    setTimeout(bySocket, delay * (0.5 + Math.random()));
    delay = Math.min(delay * 2, 20000);
  };
}
function byEvents() {
  const source = new EventSource('?as=sse' + since());
  source.onopen = () => show('live', 'live by Server-Sent Events');
  source.onmessage = (event) => hear(JSON.parse(event.data));
  source.addEventListener('subscribed', (event) => hear(JSON.parse(event.data)));
  source.onerror = () => {
    const isOver = source.readyState === EventSource.CLOSED;
    show('waiting', 'connecting again');
    if (!isOver) return;
    failures = 0;
    setTimeout(start, 5000);
  };
}
async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  return response.status + ' ' + (problem.detail || problem.title || response.statusText);
}
async function start() {
  if (position) return bySocket();
  try {
    const response = await fetch('?as=json&limit=50');
    if (response.ok) {
      const page = await response.json();
      for (const publication of page.publications) add(publication);
      position = page.position;
    } else if (response.status < 500) {
      show('refused', 'not allowed');
      return say(await problemOf(response), true);
    }
  } catch {}
  bySocket();
}
byId('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = byId('publish');
  button.disabled = true;
  try {
    const response = await fetch(here, { method: 'POST', body: text.value });
    if (response.ok) {
      text.value = '';
      say('');
    } else say(await problemOf(response), true);
  } catch {
    say('The server cannot be reached.', true);
  }
  button.disabled = false;
  text.focus();
});
text.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId('form').requestSubmit();
});
start();
`;
