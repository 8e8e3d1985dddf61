// socket.io-client as its documentation uses it, with WebSocket as the only transport.
import { readFileSync } from 'node:fs';
import { io } from 'socket.io-client';
import { announce, obey } from '../lib/control.mjs';
import { deliveries } from './deliveries.mjs';

const manifest = new URL('../node_modules/socket.io-client/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));

announce({ name: 'Socket.IO', version });
obey({
  deliver: deliveries({
    open: (port, onData) =>
      new Promise((resolve, reject) => {
        // A connection each, where several sockets of one process would share one.
        const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true });
        socket.on('connect_error', reject);
        socket.on('m', onData);
        socket.on('connect', () => resolve(socket));
      }),
    end: (socket) => socket.disconnect(),
  }),
});
