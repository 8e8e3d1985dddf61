import type { Beacon, BeaconState } from '@pulsebeacon/client';
import { byId } from '../shared/dom.js';
import { TRANSPORT_NAMES } from '../shared/transports.js';

/** As base.css has them. */
const DOTS: Readonly<Record<BeaconState, string>> = {
  connecting: 'connecting',
  online: 'open',
  recovering: 'connecting',
  offline: 'failed',
};

/** As the pages have it before they run. */
const NO_TRANSPORT = 'no transport';

/** Shows how a connection is: its state, the transport, why, and when it is tried again. @returns ends that */
export function showLink(beacon: Beacon): () => void {
  const again = byId('link-again', HTMLElement);
  const showAgain = (): void => {
    const { retryIn } = beacon.status;
    again.textContent = retryIn === undefined || retryIn < 100 ? '' : `again in ${(retryIn / 1000).toFixed(1)} s`;
  };
  const show = (): void => {
    const { state, reason, transport } = beacon.status;
    byId('link', HTMLElement).dataset['state'] = DOTS[state];
    byId('link-state', HTMLElement).textContent = state;
    byId('link-transport', HTMLElement).textContent =
      transport === undefined || state === 'offline' ? NO_TRANSPORT : (TRANSPORT_NAMES[transport] ?? transport);
    byId('link-reason', HTMLElement).textContent = reason;
    showAgain();
  };
  const off = beacon.on('statechange', show);
  const timer = setInterval(showAgain, 200);
  show();
  return () => {
    off();
    clearInterval(timer);
  };
}
