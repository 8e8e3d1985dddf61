import { meaningOf, readCloseCode } from './close-codes.js';
import { startComposer } from './composer.js';
import { byId } from '../shared/dom.js';
import { milliseconds, parseHex } from '../shared/format.js';
import { traceId } from './handshake.js';
import { RoundTrips } from './round-trips.js';
import { Transcript } from './transcript.js';

/** @typedef {'closed' | 'connecting' | 'open' | 'closing' | 'failed'} State */

const encoder = new TextEncoder();

/** What can be sent: text, or bytes that are written as hexadecimal. */
const KINDS = {
  text: { placeholder: 'Say something', read: (/** @type {string} */ text) => text },
  hex: {
    placeholder: '48 65 6c 6c 6f',
    hint: 'Bytes as hexadecimal, such as 48 65 6c 6c 6f',
    read(/** @type {string} */ text) {
      const bytes = parseHex(text);
      if (bytes !== undefined) return bytes;
      throw new SyntaxError('This is not hexadecimal: two digits from 0 to f for each byte, such as 48 65 6c 6c 6f');
    },
  },
};

/**
 * The connection to /echo: opens it, shows what comes and goes, closes it.
 * @param {string} address
 * @param {(traceId: string) => void} onOpen told of a connection whose handshake the server remembers by this id
 */
export function startConsole(address, onOpen) {
  const url = byId('url', HTMLInputElement);
  const subprotocol = byId('subprotocol', HTMLInputElement);
  const closeCode = byId('close-code', HTMLInputElement);
  const transcript = new Transcript();
  const roundTrips = new RoundTrips();
  const composer = startComposer(byId('composer', HTMLFormElement), KINDS, send);
  /** @type {WebSocket | undefined} */
  let socket;
  let isCancelled = false;

  url.value = address;
  // What the browser restores after a reload is the state of a connection that is gone.
  closeCode.value = '1000';
  byId('connection', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    if (socket === undefined) connect();
    else disconnect(socket);
  });
  for (const field of [url, closeCode]) field.addEventListener('input', () => field.removeAttribute('aria-invalid'));
  connect();

  function connect() {
    const target = readAddress(url.value);
    if (typeof target === 'string') {
      url.setAttribute('aria-invalid', 'true');
      showState('failed', target);
      return;
    }
    const trace = traceId();
    target.searchParams.set('trace', trace);
    const wishes = subprotocol.value.split(/[\s,]+/).filter((name) => name !== '');
    try {
      socket = new WebSocket(target, wishes);
    } catch (error) {
      showState('failed', error instanceof Error ? error.message : String(error));
      return;
    }
    listen(socket, trace);
    isCancelled = false;
    showState('connecting', 'Connecting');
  }

  /**
   * @param {WebSocket} opening
   * @param {string} trace
   */
  function listen(opening, trace) {
    let wasOpen = false;
    opening.binaryType = 'arraybuffer';
    opening.addEventListener('open', () => {
      wasOpen = true;
      const agreed = [opening.protocol, opening.extensions.split(';')[0]].filter((text) => text !== '').join(', ');
      transcript.note(`Connected${agreed === '' ? '' : `; agreed on ${agreed}`}`);
      showState('open', `Open${opening.protocol === '' ? '' : `, subprotocol ${opening.protocol}`}`);
      if (document.activeElement === document.body || document.activeElement?.id === 'connect') composer.focus();
      onOpen(trace);
    });
    opening.addEventListener('message', ({ data, timeStamp }) => {
      const content = typeof data === 'string' ? data : new Uint8Array(data);
      const bytes = typeof content === 'string' ? encoder.encode(content).length : content.length;
      transcript.received(content, bytes, roundTrips.received(bytes, timeStamp));
      showRoundTrip();
    });
    opening.addEventListener('close', ({ code, reason, wasClean }) => {
      if (socket !== opening) return;
      socket = undefined;
      roundTrips.clear();
      const why = reason === '' ? '' : `: ${reason}`;
      const text = wasOpen
        ? `Closed with ${code}, ${meaningOf(code)}${why}`
        : isCancelled
          ? 'Cancelled'
          : 'Not connected: the server refused, or it is not there; its log says why';
      transcript.note(text, !wasClean);
      showState(wasClean ? 'closed' : 'failed', text);
    });
  }

  /** @param {WebSocket} open */
  function disconnect(open) {
    const code = readCloseCode(closeCode.value);
    if (open.readyState === WebSocket.OPEN && code === undefined) {
      closeCode.setAttribute('aria-invalid', 'true');
      byId('state-text', HTMLElement).textContent = 'A page may close with 1000, or with a code from 3000 to 4999';
      return;
    }
    isCancelled = open.readyState === WebSocket.CONNECTING;
    showState('closing', 'Closing');
    open.close(code);
  }

  /**
   * @param {string | Uint8Array<ArrayBuffer>} data
   */
  function send(data) {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    const bytes = typeof data === 'string' ? encoder.encode(data).length : data.length;
    roundTrips.sent(bytes);
    socket.send(data);
    transcript.sent(data, bytes);
    return true;
  }

  function showRoundTrip() {
    const { median } = roundTrips;
    byId('round-trip', HTMLElement).textContent = median === undefined ? '' : `round trip ${milliseconds(median)}`;
  }

  /**
   * @param {State} state
   * @param {string} text
   */
  function showState(state, text) {
    const isOpen = state === 'open' || state === 'closing';
    const isBusy = isOpen || state === 'connecting';
    byId('state', HTMLElement).dataset['state'] = state;
    byId('state-text', HTMLElement).textContent = text;
    document.querySelector('.console')?.toggleAttribute('data-open', isBusy);
    byId('connect', HTMLButtonElement).textContent = isOpen ? 'Disconnect' : isBusy ? 'Cancel' : 'Connect';
    byId('subprotocol-field', HTMLElement).hidden = isOpen;
    byId('close-code-field', HTMLElement).hidden = !isOpen;
    url.readOnly = isBusy;
    composer.enable(state === 'open');
    showRoundTrip();
  }
}

/**
 * @param {string} text
 * @returns {URL | string} what is wrong, where it cannot be used
 */
function readAddress(text) {
  const withScheme = /^[a-z]+:\/\//i.test(text.trim()) ? text.trim() : `ws://${text.trim()}`;
  if (!URL.canParse(withScheme)) return 'This is no address: ws:// or wss://, a host and a path';
  const url = new URL(withScheme);
  if (!/^(wss?|https?):$/.test(url.protocol)) return `A WebSocket begins with ws: or wss:, not with ${url.protocol}`;
  if (url.host !== location.host) return `This page may connect to its own server alone, ${location.host}`;
  return url;
}
