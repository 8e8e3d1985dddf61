// Chat rooms: two WebSocket servers and a page on one HTTP port.
//   node examples/chat/server.mjs
//   ws://127.0.0.1:8080/rooms/{id}?name=Ada   a room: what one says, everybody in it hears
//   ws://127.0.0.1:8080/rooms                 how many are in each room, live
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { prepareMessage, Refusal, WebSocketServer } from '@pulsebeacon/websocket';

const page = readFileSync(new URL('page.html', import.meta.url));

const http = createServer((request, response) => {
  const isPage = request.method === 'GET' && /^\/(\?|$)/.test(request.url ?? '');
  if (!isPage) return void response.writeHead(404).end();
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.end(page);
});

/** @typedef {{ name: string, room: Set<import('@pulsebeacon/websocket').ServerConnection<Member>> }} Member */

/**
 * Who is in which room. A set for each room, so that a message costs as much as the room has members, however many
 * other rooms there are.
 * @type {Map<string, Member['room']>}
 */
const rooms = new Map();

/** @type {WebSocketServer<Member>} */
const chat = new WebSocketServer({
  path: '/rooms/{id}',
  maxMessageSize: 4096,

  // What authorize gives as the context, every handler finds on the connection.
  authorize({ parameters: { id = '' }, query }) {
    const name = new URLSearchParams(query).get('name')?.trim();
    if (!name || name.length > 40) return new Refusal(400, { detail: 'say who you are: /rooms/tea?name=Ada' });
    const room = rooms.get(id) ?? new Set();
    rooms.set(id, room);
    return { context: { name, room } };
  },
  open(connection) {
    connection.context.room.add(connection);
    tell(connection.context.room, { from: connection.context.name, event: 'joined' });
    publishCounts();
  },
  message(connection, data, kind) {
    if (kind !== 'text') return connection.close(1003, 'this room speaks text');
    tell(connection.context.room, { from: connection.context.name, text: data });
  },
  close(connection) {
    const { name, room } = connection.context;
    room.delete(connection);
    tell(room, { from: name, event: 'left' });
    publishCounts();
  },
});
chat.attach(http);

/**
 * Framed once, however many are in the room. What send() says is not looked at: whoever does not read is closed by
 * the server, at 1 MiB behind or after 10 s.
 * @param {Member['room']} room
 * @param {object} message
 */
function tell(room, message) {
  const prepared = prepareMessage(JSON.stringify(message));
  for (const member of room) member.sendPrepared(prepared);
}

const directory = new WebSocketServer({
  path: '/rooms',
  open(connection) {
    connection.send(counts());
  },
});
directory.attach(http);

function counts() {
  return JSON.stringify(Object.fromEntries([...rooms].map(([id, room]) => [id, room.size])));
}

function publishCounts() {
  for (const [id, room] of rooms) if (room.size === 0) rooms.delete(id);
  directory.broadcast(counts());
}

http.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  console.log(`http://127.0.0.1:${port}/`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    http.close();
    void chat.close();
    void directory.close();
  });
}
