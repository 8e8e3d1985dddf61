import { startCopying } from '../shared/copying.js';
import { byId, create, within } from '../shared/dom.js';
import { inColors } from './samples.js';

/**
 * The lines to try on a channel, each with a button that copies it; with the address of this very server.
 * @param {URL} channels below which the channels are
 */
export function showTerminalLines(channels) {
  const list = byId('lines', HTMLOListElement);
  const choice = byId('lines-channel', HTMLElement);
  /** @type {string | undefined} */
  let position;
  const chosen = () => within(choice, 'input:checked', HTMLInputElement).value;
  const codes = linesOf(channels, '').map(([name]) => {
    const code = create('code');
    const button = create('button', 'copy', create('span', '', 'Copy'), create('span', 'unseen', ` ${name}`));
    button.type = 'button';
    startCopying(button, () => code);
    list.append(create('li', '', create('span', 'name', name), create('pre', '', code), button));
    return code;
  });
  const show = () => {
    const channel = chosen();
    const lines = linesOf(new URL(channel, channels), (channel === 'demo' ? position : undefined) ?? 'POSITION');
    for (const [index, [, ...code]] of lines.entries()) codes[index]?.replaceChildren(...inColors(code));
  };
  choice.addEventListener('change', show);
  show();
  return {
    /** @param {string} newest where the demo channel is now */
    setPosition(newest) {
      position = newest;
      if (chosen() === 'demo') show();
    },
  };
}

/**
 * @param {URL} channel
 * @param {string} position
 * @returns {[string, ...string[][]][]} the name of each, and its lines in parts: code and strings in turn
 */
function linesOf({ href, protocol }, position) {
  // What curl takes an address without a scheme for, as in the README.
  const url = protocol === 'http:' ? href.slice('http://'.length) : href;
  return [
    ['Follow', ['curl -N ', `'${url}?follow'`]],
    ['Publish', [`curl -d hello ${url}`]],
    ['History', [`curl ${url}`]],
    ['Newest', ['curl ', `'${url}?last'`]],
    ['Long poll', ['curl ', `'${url}?wait=25'`]],
    [
      'Recover',
      ['curl -N -H ', "'Accept: text/event-stream'", ' \\'],
      ['  -H ', `'Last-Event-ID: ${position}'`, ` ${url}`],
    ],
    [
      'WebSocket',
      ['const socket = new WebSocket(', `'${href.replace('http', 'ws')}'`, ');'],
      ['socket.onmessage = ({ data }) => console.log(data);'],
      ['socket.onopen = () => socket.send(', "'hello'", ');'],
    ],
    ['EventSource', ['new EventSource(', `'${href}'`, ')'], ['  .onmessage = ({ data }) => console.log(data);']],
  ];
}
