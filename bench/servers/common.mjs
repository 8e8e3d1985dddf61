// What every server of the comparison shares: options, and the ready line.
import { parseArgs } from 'node:util';
import { announce, obey } from '../lib/control.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    mode: { type: 'string', default: 'echo' },
    receive: { type: 'string', default: 'owned' },
    level: { type: 'string', default: '6' },
    takeover: { type: 'boolean', default: false },
    attach: { type: 'boolean', default: false },
    store: { type: 'string', default: 'memory' },
  },
});

if (!['echo', 'fanout', 'deflate', 'post'].includes(values.mode))
  throw new Error(`--mode ${values.mode}: echo, fanout, deflate or post`);
if (!['memory', 'lmdb'].includes(values.store)) throw new Error(`--store ${values.store}: memory or lmdb`);
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
  store: values.store,
  /** On a server of node:http that somebody else has made. */
  attach: values.attach,
  /** The same on every server, where it can be set. Bytes. */
  maxMessageSize: 1024 * 1024,
};

/** Text of so many bytes that begins with a number, by which whoever gets it sees whether it is in its turn. */
export const numbered = (number, size) => `${number.toString(16).padStart(8, '0')}:${'x'.repeat(size - 9)}`;

/**
 * Prints the one line the harness waits for. `settings` says what was chosen that the options do not; `load` is how the
 * load generator has to speak to it, where that differs; `actions` is what else it does when it is told to.
 */
export function ready(name, version, port, { settings = {}, load = [], actions, ...facts } = {}) {
  announce({ name, version, port, settings, load, ...facts });
  obey(actions);
}
