// A client of Node's own WebSocket: node client.mjs URL. Prints what it saw as JSON.
import assert from 'node:assert/strict';

const url = process.argv[2];

const next = (socket) => new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
const ended = (socket) => new Promise((resolve) => socket.addEventListener('close', resolve, { once: true }));

async function open(path, protocols = []) {
  const socket = new WebSocket(url + path, protocols);
  socket.binaryType = 'arraybuffer';
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error(`${path} was refused`)), { once: true });
  });
  return socket;
}

const extensions = [];
for (const path of ['/echo', '/deflate', '/takeover', '/fragments']) {
  const socket = await open(path, path === '/fragments' ? [] : ['v1.echo']);
  for (const length of [0, 1, 125, 126, 65_535, 65_536, 300_000]) {
    const text = 'é'.repeat(length);
    socket.send(text);
    assert.equal((await next(socket)).data, text);
    const bytes = Uint8Array.from({ length }, (_, i) => (i * i) >> 3);
    socket.send(bytes);
    assert.deepEqual(new Uint8Array((await next(socket)).data), bytes);
  }
  extensions.push(socket.extensions);
  socket.close(3001, 'grüß dich');
  assert.equal((await ended(socket)).code, 3001);
}

const told = await open('/commands');
told.send('close 4001 bye');
const { code, reason, wasClean } = await ended(told);
const refused = await open('/private').catch((error) => error.message);
console.log(JSON.stringify({ extensions, told: { code, reason, wasClean }, refused }));
