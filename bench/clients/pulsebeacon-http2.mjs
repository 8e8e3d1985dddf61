// The same client over HTTP/2 (RFC 8441): all its connections share a few, as many streams each as the server takes.
import { readFileSync } from 'node:fs';
import { connect } from '@pulsebeacon/websocket';
import { measure } from './common.mjs';

const manifest = new URL('../../packages/websocket/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));

const close = (connection) => connection.context?.();

measure('Pulse Beacon, HTTP/2', version, {
  open: (url, onMessage) => connect(url, { httpVersion: '2', message: onMessage, close }),
  end: (connection) =>
    new Promise((resolve) => {
      connection.context = resolve;
      connection.close();
    }),
});
