// Socket.IO as its documentation uses it, with WebSocket as the only transport: everybody is in one room.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { listenForTaps } from '../lib/tap.mjs';
import { numbered, options, ready } from './common.mjs';

const manifest = new URL('../node_modules/socket.io/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));

const http = createServer();
const io = new Server(http, {
  transports: ['websocket'],
  serveClient: false,
  maxHttpBufferSize: options.maxMessageSize,
});

io.on('connection', (socket) => {
  if (socket.handshake.query.publishes === undefined) socket.join('bench');
  socket.on('m', (data) => io.to('bench').emit('m', data));
});

const tap = async ({ size }) => ({
  port: await listenForTaps((n) => io.to('bench').emit('m', numbered(n, size))),
});

const path = '/socket.io/?EIO=4&transport=websocket';
http.listen(options.port, options.host, () =>
  ready('Socket.IO', version, http.address().port, {
    load: ['--socketio', '--path', path, ...(options.mode === 'fanout' ? ['--pub-path', `${path}&publishes=1`] : [])],
    actions: { tap },
  }),
);
