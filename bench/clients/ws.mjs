// The client of ws as its own documentation uses it.
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { measure } from './common.mjs';

const { version } = JSON.parse(readFileSync(new URL('../node_modules/ws/package.json', import.meta.url), 'utf8'));

measure('ws', version, {
  open: (url, onMessage) =>
    new Promise((resolve, reject) => {
      // Off on both sides, as it is by default on ours.
      const socket = new WebSocket(url, { perMessageDeflate: false });
      socket.on('error', reject);
      socket.on('message', () => onMessage(socket));
      socket.on('open', () => resolve(socket));
    }),
  end: (socket) =>
    new Promise((resolve) => {
      socket.on('close', resolve);
      socket.close();
    }),
});
