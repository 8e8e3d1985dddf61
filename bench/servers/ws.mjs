// ws as its own documentation uses it: one listener per connection, a loop over the clients for a broadcast.
import { readFileSync } from 'node:fs';
import { WebSocket, WebSocketServer } from 'ws';
import { options, ready } from './common.mjs';

const { version } = JSON.parse(readFileSync(new URL('../node_modules/ws/package.json', import.meta.url), 'utf8'));

const wss = new WebSocketServer({
  host: options.host,
  port: options.port,
  path: options.path,
  maxPayload: options.maxMessageSize,
  perMessageDeflate: options.compression && {
    threshold: 0,
    serverNoContextTakeover: !options.takeover,
    clientNoContextTakeover: !options.takeover,
    zlibDeflateOptions: { level: options.level },
  },
});

wss.on('connection', (ws) => {
  ws.on('error', () => {});
  if (options.mode === 'fanout') {
    ws.on('message', (data, binary) => {
      for (const client of wss.clients) {
        if (client.readyState === WebSocket.OPEN) client.send(data, { binary });
      }
    });
  } else {
    ws.on('message', (data, binary) => ws.send(data, { binary }));
  }
});

wss.on('listening', () => ready('ws', version, wss.address().port));
