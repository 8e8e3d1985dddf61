/** Makes every tab list of the page work, by mouse and by arrow keys (WAI-ARIA: tabs with automatic activation). */
export function startTabs() {
  for (const list of document.querySelectorAll('[role="tablist"]')) {
    const tabs = tabsOf(list);
    list.addEventListener('click', ({ target }) => {
      const tab = target instanceof Element ? target.closest('[role="tab"]') : null;
      if (tab instanceof HTMLElement) selectTab(tab);
    });
    list.addEventListener('keydown', (event) => {
      const next = event instanceof KeyboardEvent ? neighbour(tabs, event.key) : undefined;
      if (next === undefined) return;
      event.preventDefault();
      selectTab(next);
      next.focus();
    });
  }
}

/**
 * @param {HTMLElement[]} tabs
 * @param {string} key
 */
function neighbour(tabs, key) {
  const at = tabs.findIndex((tab) => tab.getAttribute('aria-selected') === 'true');
  switch (key) {
    case 'ArrowRight':
      return tabs[(at + 1) % tabs.length];
    case 'ArrowLeft':
      return tabs.at(at - 1);
    case 'Home':
      return tabs[0];
    case 'End':
      return tabs.at(-1);
    default:
      return undefined;
  }
}

/**
 * Shows the panel of a tab in place of those of the others, and tells who listens on the list by `tabselect`.
 * @param {HTMLElement} chosen
 */
export function selectTab(chosen) {
  for (const tab of tabsOf(chosen.closest('[role="tablist"]'))) {
    const isChosen = tab === chosen;
    tab.setAttribute('aria-selected', String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    const panel = document.getElementById(tab.getAttribute('aria-controls') ?? '');
    if (panel !== null) panel.hidden = !isChosen;
  }
  chosen.dispatchEvent(new Event('tabselect', { bubbles: true }));
}

/**
 * @param {Element | null} list
 * @returns {HTMLElement[]}
 */
function tabsOf(list) {
  return [...(list?.querySelectorAll('[role="tab"]') ?? [])].filter((tab) => tab instanceof HTMLElement);
}
