// What every server of the comparison shares: options, the ready line, and the control lines on standard input.
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    mode: { type: 'string', default: 'echo' },
    receive: { type: 'string', default: 'owned' },
    level: { type: 'string', default: '6' },
    takeover: { type: 'boolean', default: false },
  },
});

if (!['echo', 'fanout', 'deflate'].includes(values.mode))
  throw new Error(`--mode ${values.mode}: echo, fanout or deflate`);
if (!['owned', 'borrowed'].includes(values.receive)) throw new Error(`--receive ${values.receive}: owned or borrowed`);

/** What the harness asked for. `path` is where the load generator connects. */
export const options = {
  host: '127.0.0.1',
  port: Number(values.port),
  mode: values.mode,
  path: values.mode === 'fanout' ? '/fanout' : '/echo',
  receive: values.receive,
  compression: values.mode === 'deflate',
  level: Number(values.level),
  takeover: values.takeover,
  /** The same on every server, where it can be set. Bytes. */
  maxMessageSize: 1024 * 1024,
};

/** Prints the one line the harness waits for. `settings` says what was chosen that the options do not. */
export function ready(name, version, port, settings = {}) {
  const runtime = process.versions.bun ? `bun ${process.versions.bun}` : `node ${process.versions.node}`;
  process.stdout.write(
    `${JSON.stringify({ ready: true, name, version, runtime, pid: process.pid, port, settings })}\n`,
  );
}

function collectGarbage() {
  if (process.versions.bun) globalThis.Bun.gc(true);
  else if (typeof globalThis.gc === 'function') globalThis.gc();
  else return false;
  return true;
}

// "gc" on standard input collects and answers; its end (the harness is gone) ends the server.
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  for (const line of chunk.split('\n')) {
    if (line === 'gc') process.stdout.write(`${JSON.stringify({ gc: collectGarbage() })}\n`);
  }
});
process.stdin.on('end', () => process.exit(0));
