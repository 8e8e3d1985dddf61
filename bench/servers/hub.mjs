// @pulsebeacon/hub as its guide shows it, attached to a node:http server: its channels, history and all checks as they ship.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Hub } from '@pulsebeacon/hub';
import { listenForTaps } from '../lib/tap.mjs';
import { numbered, options, ready } from './common.mjs';
import { publishInProcess } from './publish-in-process.mjs';

const manifest = new URL('../../packages/hub/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));

/** What is not as it ships: who may publish, and how many may come. */
const raised = { namespaces: [{ match: '*', publish: 'anyone' }], limits: { maxClients: 50_000 } };

/** A store on the disk that this folder is on, gone with the process. */
async function openStore() {
  if (options.store === 'memory') return undefined;
  const { LmdbBroker } = await import('@pulsebeacon/broker-lmdb');
  const cache = new URL('../.cache/', import.meta.url).pathname;
  mkdirSync(cache, { recursive: true });
  const path = mkdtempSync(join(cache, 'lmdb-'));
  process.on('exit', () => rmSync(path, { recursive: true, force: true }));
  process.on('SIGTERM', () => process.exit(0));
  return LmdbBroker.open({ path });
}

const broker = await openStore();
const hub = new Hub({ ...raised, ...(broker ? { broker } : {}) });
const http = createServer();
hub.attach(http);

const CHANNEL = '/channels/bench';
const loads = {
  fanout: ['--path', CHANNEL, '--pub-path', `${CHANNEL}?echo=0`],
  post: ['--path', CHANNEL, '--post', '--sub-path', CHANNEL],
  echo: ['--path', CHANNEL],
};

/** Fills a channel that nobody has used with as many numbered publications, and says which position lies before them. */
async function fill({ channel, count, size }) {
  const { position } = await hub.channel(channel).publish('before');
  for (let i = 0; i < count; i++) await hub.channel(channel).publish(numbered(i, size));
  return { position };
}

/** Numbered publications, one for each byte that somebody sends to the port. */
const tap = async ({ size }) => ({
  port: await listenForTaps((n) => hub.channel('bench').publish(numbered(n, size))),
});

const publish = (request) => publishInProcess((data) => hub.channel('bench').publish(data), request);

// As many may wait to be accepted as the system allows (net.core.somaxconn): 5,000 return at once.
http.listen({ host: options.host, port: options.port, backlog: 65_535 }, () =>
  ready('Pulse Beacon', version, http.address().port, {
    settings: { ...raised, store: options.store },
    load: loads[options.mode],
    actions: { fill, publish, tap },
  }),
);
