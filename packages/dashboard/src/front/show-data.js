import { create } from '../shared/dom.js';
import { toAscii, toHex } from '../shared/format.js';

/** What is shown of a long message. */
const MOST_SHOWN = 4096;

/**
 * What was sent, as it is: text as text, bytes as hexadecimal and ASCII.
 * @param {string | Uint8Array} data
 * @returns {(Node | string)[]}
 */
export function showData(data) {
  if (typeof data === 'string') {
    return data.length > MOST_SHOWN ? [`${data.slice(0, MOST_SHOWN)}…`] : [data === '' ? '(empty)' : data];
  }
  const shown = data.subarray(0, MOST_SHOWN / 16);
  const more = data.length > shown.length ? ' …' : '';
  return [
    create('span', 'kind-tag', 'binary'),
    data.length === 0 ? '(empty)' : `${toHex(shown)}${more}`,
    create('span', 'ascii', toAscii(shown)),
  ];
}
