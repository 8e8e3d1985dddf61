import { byId } from '../shared/dom.js';
import { selectTab } from '../shared/tabs.js';

/**
 * The two views of the page, as tabs; the address says which is shown, so that a reload or a link finds it again.
 * @param {() => void} onEcho called once, when the echo is shown first: nobody who does not look at it is connected to it
 */
export function startViews(onEcho) {
  const channel = byId('tab-channel', HTMLElement);
  const echo = byId('tab-echo', HTMLElement);
  let isEchoStarted = false;

  const show = (/** @type {boolean} */ isEcho) => {
    document.documentElement.dataset['view'] = isEcho ? 'echo' : 'channel';
    if (!isEcho || isEchoStarted) return;
    isEchoStarted = true;
    onEcho();
  };
  const followAddress = () => selectTab(location.hash === '#echo' ? echo : channel);

  byId('views', HTMLElement).addEventListener('tabselect', ({ target }) => {
    const isEcho = target === echo;
    if (isEcho !== (location.hash === '#echo')) history.replaceState(null, '', isEcho ? '#echo' : location.pathname);
    show(isEcho);
  });
  addEventListener('hashchange', followAddress);
  followAddress();
}
