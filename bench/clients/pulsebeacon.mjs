// The client of @pulsebeacon/websocket as its guide shows it, as built by `npm run build`.
import { readFileSync } from 'node:fs';
import { connect } from '@pulsebeacon/websocket';
import { measure } from './common.mjs';

const manifest = new URL('../../packages/websocket/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));

const close = (connection) => connection.context?.();

measure('Pulse Beacon', version, {
  open: (url, onMessage) => connect(url, { message: onMessage, close }),
  end: (connection) =>
    new Promise((resolve) => {
      connection.context = resolve;
      connection.close();
    }),
});
