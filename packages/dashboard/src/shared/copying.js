const COPIED_MS = 1600;

/**
 * Makes a button copy what stands somewhere, and say that it did.
 * @param {HTMLButtonElement} button
 * @param {() => Element | null} find what is to be copied
 */
export function startCopying(button, find) {
  const label = button.querySelector('span') ?? button;
  const text = label.textContent;
  /** @type {number | undefined} */
  let timer;
  const say = (/** @type {string} */ done) => {
    label.textContent = done;
    clearTimeout(timer);
    timer = setTimeout(() => (label.textContent = text), COPIED_MS);
  };
  button.addEventListener('click', async () => {
    const source = find();
    if (source === null) return;
    try {
      await navigator.clipboard.writeText(source.textContent ?? '');
      say('Copied');
    } catch {
      // Not over plain HTTP from another machine: then it is selected, for the keyboard.
      getSelection()?.selectAllChildren(source);
      say('Selected');
    }
  });
}
