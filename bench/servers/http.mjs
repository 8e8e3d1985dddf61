// The same echo without WebSocket: POST on a kept-alive connection of node:http.
import { createServer } from 'node:http';
import { options, ready } from './common.mjs';

const server = createServer((request, response) => {
  if (request.method !== 'POST' || request.url !== options.path) {
    response.writeHead(404).end();
    return;
  }
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    response.writeHead(200, { 'Content-Type': request.headers['content-type'], 'Content-Length': body.length });
    response.end(body);
  });
});

server.listen(options.port, options.host, () => ready('node:http', process.versions.node, server.address().port));
