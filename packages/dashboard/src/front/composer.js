import { within } from '../shared/dom.js';
import { History } from './history.js';

/**
 * A way to write a message.
 * @template T
 * @typedef {{
 *   placeholder: string,
 *   hint?: string | undefined,
 *   sample?: string,
 *   read(text: string): T,
 * }} Kind hint: what is below the field, by default the keys. sample: what is in the field until somebody writes.
 * read: what the text stands for; throws an error that says why it stands for nothing
 */

/**
 * A field with a button: Enter sends, the arrow keys bring back what was sent before.
 * @template T
 * @param {HTMLFormElement} form with radio buttons of the name `kind`, whose values are the names of the kinds
 * @param {Record<string, Kind<T>>} kinds
 * @param {(message: T, kind: string) => boolean} send returns whether it could be sent
 * @param {{ keeps?: boolean, onFault?: () => void }} [options] `keeps`: the text stays, selected, to be sent again or written
 * over; `onFault`: told that something is wrong, here or where it was sent
 */
export function startComposer(form, kinds, send, { keeps = false, onFault = () => {} } = {}) {
  const field = within(form, 'textarea', HTMLTextAreaElement);
  const button = within(form, '[type="submit"]', HTMLButtonElement);
  const hint = within(form, '.hint', HTMLElement);
  const hintText = within(form, '.hint-text', HTMLElement);
  const keys = [...hintText.childNodes];
  const histories = new Map(Object.keys(kinds).map((name) => [name, new History()]));

  const chosen = () => {
    const name = String(new FormData(form).get('kind'));
    const [kind, history] = [kinds[name], histories.get(name)];
    if (kind === undefined || history === undefined) throw new Error(`there is no kind ${name}`);
    return { name, kind, history };
  };

  const showHint = (/** @type {string | undefined} */ fault) => {
    const { hint: text } = chosen().kind;
    hint.classList.toggle('fault', fault !== undefined);
    if (fault !== undefined) onFault();
    if (fault === undefined) field.removeAttribute('aria-invalid');
    else field.setAttribute('aria-invalid', 'true');
    hintText.replaceChildren(...(fault !== undefined ? [fault] : text !== undefined ? [text] : keys));
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
    const { name, kind, history } = chosen();
    let message;
    try {
      message = kind.read(field.value);
    } catch (error) {
      return showHint(error instanceof Error ? error.message : String(error));
    }
    showHint(undefined);
    if (!send(message, name)) return undefined;
    history.add(field.value);
    if (!keeps) put('');
    // On a phone the keyboard stays where it is: below the page, unless somebody writes.
    if (keeps && document.activeElement !== field && !matchMedia('(hover: hover)').matches) return undefined;
    field.focus();
    return keeps ? field.select() : undefined;
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
    const { history } = chosen();
    let text;
    if (event.key === 'ArrowUp' && !value.slice(0, selectionStart).includes('\n')) text = history.older(value);
    if (event.key === 'ArrowDown' && !value.slice(selectionEnd).includes('\n')) text = history.newer();
    if (text === undefined) return;
    event.preventDefault();
    put(text);
  });
  for (const choice of form.querySelectorAll('[name="kind"]')) {
    choice.addEventListener('change', () => {
      const { placeholder, sample } = chosen().kind;
      field.placeholder = placeholder;
      if (sample !== undefined && Object.values(kinds).some((kind) => kind.sample === field.value)) put(sample);
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
    /** @param {string} text what is wrong with what was sent */
    showFault(text) {
      showHint(text);
    },
  };
}
