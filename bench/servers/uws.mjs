// uWebSockets.js (C++), from the npm package `uwebsockets`: publish and subscribe for the fan-out, as its guide says.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { options, ready } from './common.mjs';

const uWS = createRequire(import.meta.url)('uwebsockets');
const { version } = JSON.parse(
  readFileSync(new URL('../node_modules/uwebsockets/package.json', import.meta.url), 'utf8'),
);

function compression() {
  if (!options.compression) return uWS.DISABLED;
  // Its level is its own: it cannot be set.
  if (options.takeover) return uWS.DEDICATED_COMPRESSOR | uWS.DEDICATED_DECOMPRESSOR;
  return uWS.SHARED_COMPRESSOR | uWS.SHARED_DECOMPRESSOR;
}

const app = uWS.App();
app.ws(options.path, {
  compression: compression(),
  maxPayloadLength: options.maxMessageSize,
  maxBackpressure: options.maxMessageSize,
  open(ws) {
    if (options.mode === 'fanout') ws.subscribe('all');
  },
  message(ws, message, binary) {
    if (options.mode === 'fanout') app.publish('all', message, binary);
    else ws.send(message, binary, options.compression);
  },
});

app.listen(options.host, options.port, (socket) => {
  if (!socket) throw new Error(`cannot listen on ${options.host}:${options.port}`);
  const settings = options.compression ? { level: 'its own' } : {};
  ready('uWebSockets.js', version, uWS.us_socket_local_port(socket), { settings });
});
