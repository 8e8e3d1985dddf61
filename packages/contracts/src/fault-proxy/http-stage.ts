import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Faults } from './faults.ts';

/** Where requests go. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/**
 * A reverse proxy for HTTP/1.1 that does to requests and answers what the faults say. It does not listen yet.
 * @param knowsUpgrade whether it has heard of WebSockets
 */
export function httpStage(target: Target, faults: () => Faults, knowsUpgrade: boolean): Server {
  const server = createServer((incoming, response) => forward(target, faults(), incoming, response));
  // Streams have no end, and nobody here counts the time.
  server.requestTimeout = 0;
  server.on('clientError', (_, socket) => socket.destroy());
  // Without a listener, Node takes a request to upgrade for an ordinary one.
  if (knowsUpgrade) server.on('upgrade', (incoming, socket, head) => tunnel(target, faults, incoming, socket, head));
  return server;
}

/** Of one hop alone (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set(['connection', 'upgrade', 'keep-alive', 'transfer-encoding', 'proxy-connection']);

const passing = (headers: IncomingMessage['headers']): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name))) as Record<string, string>;

function forward({ host, port }: Target, faults: Faults, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, url } = incoming;
  const headers = passing(incoming.headers);
  const outgoing = request({ host, port, method, path: url, headers, agent: false }, (answer) => {
    answer.on('error', () => response.destroy());
    if (faults.bufferResponses !== true) {
      response.writeHead(answer.statusCode!, passing(answer.headers)).flushHeaders();
      answer.pipe(response);
      return;
    }
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('end', () => response.writeHead(answer.statusCode!, passing(answer.headers)).end(Buffer.concat(chunks)));
  });
  outgoing.on('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
  response.on('close', () => outgoing.destroy());
  incoming.on('error', () => outgoing.destroy());
  incoming.pipe(outgoing);
}

const HEAD_END = '\r\n\r\n';

function tunnel(
  { host, port }: Target,
  faults: () => Faults,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const upstream = connect(port, host);
  const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    lines.push(`${incoming.rawHeaders[at]}: ${incoming.rawHeaders[at + 1]}`);
  }
  upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
  upstream.write(head);
  socket.pipe(upstream);
  let isUpgraded = false;
  let isMute = false;
  upstream.on('data', (chunk: Buffer) => {
    // For good: no network leaves bytes out and goes on behind them.
    isMute ||= faults().muteUpgraded === true;
    if (!isMute) socket.write(chunk);
    // The head comes in one piece, and what the WebSocket says at once may come with it.
    else if (!isUpgraded) socket.write(chunk.subarray(0, chunk.indexOf(HEAD_END) + HEAD_END.length));
    isUpgraded = true;
  });
  upstream.on('end', () => socket.end());
  for (const [one, other] of [
    [socket, upstream],
    [upstream, socket],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}
