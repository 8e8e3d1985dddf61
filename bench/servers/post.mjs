// A bare handler of node:http that takes a POST, reads all of it, and answers 201 with as much JSON as a channel does and
// the fields that belong to such an answer: its type, its length, and where what was made is (RFC 9110 §15.3.2).
import { createServer } from 'node:http';
import { options, ready } from './common.mjs';

let count = 0;

const server = createServer((request, response) => {
  if (request.method !== 'POST' || request.url !== options.path) {
    response.writeHead(404).end();
    return;
  }
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    const position = `AAAAAAAA.${++count}`;
    const answer = `{"channel":"bench","position":"${position}","duplicate":false}\n`;
    response.writeHead(body.length > options.maxMessageSize ? 413 : 201, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(answer),
      Location: `?at=${position}`,
    });
    response.end(answer);
  });
});

server.listen(options.port, options.host, () =>
  ready('node:http', process.versions.node, server.address().port, { load: ['--path', options.path, '--post'] }),
);
