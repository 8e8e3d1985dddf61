// Bun's own server; run by Bun, not by Node.
import { options, ready } from './common.mjs';

const kind = options.takeover ? 'dedicated' : 'shared';

const server = Bun.serve({
  hostname: options.host,
  port: options.port,
  fetch(request, self) {
    if (new URL(request.url).pathname === options.path && self.upgrade(request)) return undefined;
    return new Response(null, { status: 404 });
  },
  websocket: {
    perMessageDeflate: options.compression && { compress: kind, decompress: kind },
    maxPayloadLength: options.maxMessageSize,
    backpressureLimit: options.maxMessageSize,
    open(ws) {
      if (options.mode === 'fanout') ws.subscribe('all');
    },
    message(ws, message) {
      if (options.mode === 'fanout') server.publish('all', message);
      else ws.send(message, options.compression);
    },
  },
});

ready('Bun', Bun.version, server.port, { settings: options.compression ? { level: 'its own' } : {} });
