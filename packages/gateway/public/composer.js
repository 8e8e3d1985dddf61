import { byId } from './dom.js';
import { parseHex } from './format.js';
import { History } from './history.js';

const HEX_HINT = 'Bytes as hexadecimal, such as 48 65 6c 6c 6f';
const HEX_FAULT = 'This is not hexadecimal: two digits from 0 to f for each byte, such as 48 65 6c 6c 6f';

/**
 * The field at the bottom: Enter sends, the arrow keys bring back what was sent before.
 * @param {(data: string | Uint8Array<ArrayBuffer>) => boolean} send returns whether it could be sent
 */
export function startComposer(send) {
  const form = byId('composer', HTMLFormElement);
  const field = byId('message', HTMLTextAreaElement);
  const button = byId('send', HTMLButtonElement);
  const hint = byId('hint', HTMLElement);
  const hintText = byId('hint-text', HTMLElement);
  const keys = [...hintText.childNodes];
  const histories = { text: new History(), hex: new History() };

  const kind = () => (new FormData(form).get('kind') === 'hex' ? 'hex' : 'text');

  const showHint = (/** @type {string | undefined} */ fault) => {
    hint.classList.toggle('fault', fault !== undefined);
    field.toggleAttribute('aria-invalid', false);
    if (fault !== undefined) field.setAttribute('aria-invalid', 'true');
    hintText.replaceChildren(...(fault !== undefined ? [fault] : kind() === 'hex' ? [HEX_HINT] : keys));
  };

  const fit = () => {
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight + 2}px`;
  };

  const put = (/** @type {string} */ text) => {
    field.value = text;
    field.setSelectionRange(text.length, text.length);
    fit();
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const data = kind() === 'hex' ? parseHex(field.value) : field.value;
    if (data === undefined) return showHint(HEX_FAULT);
    showHint(undefined);
    if (!send(data)) return undefined;
    histories[kind()].add(field.value);
    put('');
    return field.focus();
  });
  field.addEventListener('input', () => {
    showHint(undefined);
    fit();
  });
  field.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      if (!button.disabled) form.requestSubmit();
      return;
    }
    // Within a text of several lines the arrows move in it; only from its edge do they leave it.
    const { value, selectionStart, selectionEnd } = field;
    let text;
    if (event.key === 'ArrowUp' && !value.slice(0, selectionStart).includes('\n'))
      text = histories[kind()].older(value);
    if (event.key === 'ArrowDown' && !value.slice(selectionEnd).includes('\n')) text = histories[kind()].newer();
    if (text === undefined) return;
    event.preventDefault();
    put(text);
  });
  for (const choice of form.querySelectorAll('[name="kind"]')) {
    choice.addEventListener('change', () => {
      field.placeholder = kind() === 'hex' ? '48 65 6c 6c 6f' : 'Say something';
      showHint(undefined);
    });
  }

  return {
    /** @param {boolean} isOpen */
    enable(isOpen) {
      button.disabled = !isOpen;
    },
    /** Only where the keyboard is already: on a phone it would open over the page. */
    focus() {
      if (matchMedia('(hover: hover)').matches) field.focus({ preventScroll: true });
    },
  };
}
