// Who may connect: a session cookie for people, a bearer token for programs. Everybody else gets a proper 401.
//   API_TOKEN=s3cret node examples/authorize.mjs
//   curl -i -X POST 'http://127.0.0.1:8080/login?name=Ada'
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { Refusal, WebSocketServer } from '@pulsebeacon/websocket';

/** @typedef {{ user: string }} Session */

/** @param {string} secret */
const digest = (secret) => createHash('sha256').update(secret).digest();

// Without a token in the environment, one that nobody can guess: no door is open by default.
const apiToken = digest(process.env.API_TOKEN ?? randomBytes(16).toString('hex'));

/** By the digest of the session's id: how long a lookup takes then tells nothing about an id. @type {Map<string, Session>} */
const sessions = new Map();

const http = createServer((request, response) => {
  const [path, query] = (request.url ?? '').split('?');
  const user = new URLSearchParams(query).get('name');
  if (request.method !== 'POST' || path !== '/login' || !user) return void response.writeHead(404).end();
  // A real application checks a password here, and forgets sessions after a while.
  const id = randomBytes(16).toString('base64url');
  sessions.set(digest(id).toString('base64'), { user });
  // Browsers send cookies with every WebSocket, whatever page opened it. What keeps foreign pages out is the check of
  // Origin, which the server does before it asks authorize.
  response.setHeader('Set-Cookie', `session=${id}; HttpOnly; SameSite=Lax; Path=/`);
  response.writeHead(204).end();
});

/** @type {WebSocketServer<Session>} */
const sockets = new WebSocketServer({
  path: '/me',

  // May be async: look into a database, ask another service. After 10 s without a decision the client gets 503.
  async authorize({ headers }) {
    const bearer = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];
    if (bearer && timingSafeEqual(digest(bearer), apiToken)) return { context: { user: 'a program' } };

    const id = /(?:^|; *)session=([^;]*)/.exec(headers.get('cookie') ?? '')?.[1];
    const session = id && sessions.get(digest(id).toString('base64'));
    if (session) return { context: session };

    // Any HTTP answer can refuse a handshake. Not a word about what exactly was wrong.
    return new Refusal(401, { headers: { 'WWW-Authenticate': 'Bearer' }, detail: 'log in, or send a bearer token' });
  },
  open(connection) {
    connection.send(`You are ${connection.context.user}.`);
  },
  refused({ status, reason, remoteAddress }) {
    console.warn(`refused ${remoteAddress} with ${status}: ${reason}`);
  },
});
sockets.attach(http);

http.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  console.log(`http://127.0.0.1:${port}/`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    http.close();
    void sockets.close();
  });
}
