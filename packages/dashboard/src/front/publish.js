import { startComposer } from './composer.js';
import { byId } from '../shared/dom.js';
import { problemOf } from './follower.js';
import { milliseconds } from '../shared/format.js';

const KINDS = {
  text: {
    placeholder: 'Say something',
    sample: 'hello',
    read: (/** @type {string} */ body) => ({ body, contentType: 'text/plain; charset=utf-8' }),
  },
  json: {
    placeholder: '{"hello":"world"}',
    sample: '{"hello":"world"}',
    read(/** @type {string} */ body) {
      try {
        JSON.parse(body);
      } catch (error) {
        throw new SyntaxError(`This is not JSON: ${error instanceof Error ? error.message : error}`);
      }
      return { body, contentType: 'application/json' };
    },
  },
};

/**
 * The box that publishes, by POST to the channel.
 * @param {URL} channel
 * @param {(position: string, clickedAt: number) => void} onPublished told of what the server has taken
 */
export function startPublishing(channel, onPublished) {
  const receipt = byId('receipt', HTMLOutputElement);
  const key = byId('key', HTMLInputElement);
  const composer = startComposer(byId('publish', HTMLFormElement), KINDS, send, {
    keeps: true,
    // It is that of another message.
    onFault: () => (receipt.textContent = ''),
  });
  composer.enable(true);

  /** @param {{ body: string, contentType: string }} message */
  function send({ body, contentType }) {
    const clickedAt = performance.now();
    publish(body, contentType, clickedAt).catch((error) => {
      composer.showFault(error instanceof TypeError ? 'The server does not answer' : error.message);
    });
    return true;
  }

  /**
   * @param {string} body
   * @param {string} contentType
   * @param {number} clickedAt
   */
  async function publish(body, contentType, clickedAt) {
    const headers = new Headers({ 'Content-Type': contentType });
    if (key.value !== '') headers.set('Authorization', `Bearer ${key.value.trim()}`);
    const response = await fetch(channel, { method: 'POST', headers, body });
    const ms = performance.now() - clickedAt;
    if (response.status === 401) askForKey();
    if (!response.ok) throw new Error(`Not published, ${await problemOf(response)}`);
    const { position } = await response.json();
    receipt.textContent = `${response.status} · position ${position} · ${milliseconds(ms)}`;
    onPublished(position, clickedAt);
  }

  /** Pages of this machine need none: the field is there for those who do. */
  function askForKey() {
    byId('key-field', HTMLElement).hidden = false;
    key.select();
  }
}
