// @pulsebeacon/client as its guide shows it for Node, as built by `npm run build`.
import { readFileSync } from 'node:fs';
import { Beacon } from '@pulsebeacon/client';
import { WebSocket } from '@pulsebeacon/websocket';
import { announce, obey } from '../lib/control.mjs';
import { deliveries } from './deliveries.mjs';
import { firstMessage } from './first-message.mjs';

const manifest = new URL('../../packages/client/package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
const connect = (port) => new Beacon(`http://127.0.0.1:${port}`, { WebSocket, transports: ['websocket'] });

announce({ name: 'Pulse Beacon', version });
obey({
  deliver: deliveries({
    open: async (port, onData) => {
      const beacon = connect(port);
      await beacon.channel('bench').subscribe(({ data }) => onData(data)).ready;
      return beacon;
    },
    end: (beacon) => beacon.close(),
  }),
  first: firstMessage((port, since, onData) => {
    const beacon = connect(port);
    beacon.channel('first').subscribe({ since, onPublication: ({ data }) => onData(data) });
    return () => beacon.close();
  }),
});
