// @pulsebeacon/websocket as built by `npm run build`: it listens by itself, or with --attach is beside the pages of a server of
// node:http.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { WebSocketServer } from '@pulsebeacon/websocket';
import { options, ready } from './common.mjs';

const manifest = new URL('../../packages/websocket/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));

const compression = options.compression && {
  level: options.level,
  threshold: 0,
  takeover: options.takeover,
};

const sockets = new WebSocketServer({
  path: options.path,
  receive: options.receive,
  maxMessageSize: options.maxMessageSize,
  compression,
  message(connection, data, kind) {
    if (options.mode === 'fanout') sockets.broadcast(data, { kind });
    else connection.send(data, kind);
  },
});

const listening = (port) =>
  ready('Pulse Beacon', version, port, { settings: { receive: options.receive, compression } });

if (options.attach) {
  const http = createServer();
  sockets.attach(http);
  http.listen(options.port, options.host, () => listening(http.address().port));
} else {
  listening((await sockets.listen({ port: options.port, host: options.host })).port);
}
