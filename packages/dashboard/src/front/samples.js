import { startCopying } from '../shared/copying.js';
import { byId, create } from '../shared/dom.js';

/** The key of the example in RFC 6455 §1.3; any 16 bytes will do. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/**
 * Fills in the lines to copy, with the addresses of this very server.
 * @param {string} echo
 * @param {string} live
 * @param {string} base
 */
export function showSamples(echo, live, base) {
  show('sample-js', [
    ['const socket = new WebSocket(', `'${echo}'`, ');'],
    ['socket.onopen = () => socket.send(', "'hello'", ');'],
    ['socket.onmessage = ({ data }) => console.log(data);'],
    ['// prints: hello'],
  ]);
  show('sample-curl', [
    [`curl -iN ${base}/echo \\`],
    ['  -H ', "'Upgrade: websocket'", ' -H ', "'Connection: Upgrade'", ' \\'],
    ['  -H ', "'Sec-WebSocket-Version: 13'", ' \\'],
    ['  -H ', `'Sec-WebSocket-Key: ${KEY}'`],
  ]);
  show('sample-count', [
    ['# how many connections and messages, now and so far'],
    [`curl ${base}/live`],
    ['# the same in a page, whenever it changes'],
    ['new WebSocket(', `'${live}'`, ').onmessage = ({ data }) => console.log(data);'],
  ]);
  startCopying(byId('copy', HTMLButtonElement), () => document.querySelector('.sample pre:not([hidden]) code'));
}

/**
 * @param {string} id
 * @param {string[][]} lines each in parts: code and strings in turn
 */
function show(id, lines) {
  const code = byId(id, HTMLElement).querySelector('code');
  if (code === null) return;
  code.replaceChildren(...inColors(lines));
}

/**
 * Lines of code, with strings and remarks in colors of their own.
 * @param {string[][]} lines each in parts: code and strings in turn
 * @returns {(Node | string)[]}
 */
export function inColors(lines) {
  return lines.flatMap((parts, index) => {
    const isRemark = /^(#|\/\/)/.test(parts[0] ?? '');
    const nodes = parts.map((part, at) => create('span', isRemark ? 'dim' : at % 2 === 1 ? 'str' : '', part));
    return index === 0 ? nodes : ['\n', ...nodes];
  });
}
