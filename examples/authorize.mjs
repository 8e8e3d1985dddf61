// Who may connect: a session cookie for people, a bearer token for programs. Everybody else gets a proper 401.
//   API_TOKEN=s3cret node examples/authorize.mjs
//   curl -i -X POST 'http://127.0.0.1:8080/login?name=Ada'
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { authenticate, bearer, secretsEqual, signCookie, signedCookie, WebSocketServer } from '@pulsebeacon/websocket';

/** @typedef {{ user: string }} Session */

// Without a secret in the environment, one that nobody can guess: no door is open by default.
const { API_TOKEN: apiToken = newSecret(), COOKIE_SECRET: cookieSecret = newSecret() } = process.env;

function newSecret() {
  return randomBytes(16).toString('base64url');
}

/** By their ids. @type {Map<string, Session>} */
const sessions = new Map();

const http = createServer((request, response) => {
  const [path, query] = (request.url ?? '').split('?');
  const user = new URLSearchParams(query).get('name');
  if (request.method !== 'POST' || path !== '/login' || !user) return void response.writeHead(404).end();
  // A real application checks a password here, and forgets sessions after a while.
  const id = newSecret();
  sessions.set(id, { user });
  // Browsers send cookies with every WebSocket, whatever page opened it. What keeps foreign pages out is the check of
  // Origin, which the server does before it asks authorize.
  response.setHeader('Set-Cookie', `session=${signCookie(id, cookieSecret)}; HttpOnly; SameSite=Lax; Path=/`);
  response.writeHead(204).end();
});

/** @type {WebSocketServer<Session>} */
const sockets = new WebSocketServer({
  path: '/me',

  // Each `verify` may be async: look into a database, ask another service. After 10 s without an answer the client gets 503.
  authorize: authenticate([
    bearer({ verify: (token) => (secretsEqual(token, apiToken) ? { user: 'a program' } : undefined) }),
    signedCookie({ name: 'session', secret: cookieSecret, signInPage: '/login', verify: (id) => sessions.get(id) }),
  ]),
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
