// The page at /: wires its parts together. Plain modules, no build, nothing from elsewhere.
import { startConsole } from './console.js';
import { showHandshake } from './handshake.js';
import { watchCounts } from './live.js';
import { showSamples } from './samples.js';
import { startTabs } from './tabs.js';

const socketBase = `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}`;

startTabs();
showSamples(`${socketBase}/echo`, `${socketBase}/live`, location.origin);
watchCounts(`${socketBase}/live`);
startConsole(`${socketBase}/echo`, showHandshake);
