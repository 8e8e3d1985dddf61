// The page at /: wires its parts together.
import { startChannel } from './channel.js';
import { startConsole } from './console.js';
import { byId } from '../shared/dom.js';
import { showHandshake } from './handshake.js';
import { watchCounts } from './live.js';
import { showSamples } from './samples.js';
import { startTabs } from '../shared/tabs.js';
import { showTerminalLines } from './terminal-lines.js';
import { startViews } from './views.js';

const { origin } = location;
const socketBase = `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}`;

startTabs();
showSamples(`${socketBase}/echo`, `${socketBase}/live`, origin);
const lines = showTerminalLines(new URL('/channels/', origin));
startViews(() => {
  const card = byId('echo-handshake', HTMLElement);
  startConsole(`${socketBase}/echo`, (traceId) => void showHandshake(card, traceId));
});
watchCounts(`${socketBase}/live`);
startChannel(new URL('/channels/demo', origin), (position) => lines.setPosition(position));
