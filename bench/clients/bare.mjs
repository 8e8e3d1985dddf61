// A WebSocket of @pulsebeacon/websocket and nothing else, which says by hand what `/connect` wants to hear.
import { WebSocket } from '@pulsebeacon/websocket';
import { announce, obey } from '../lib/control.mjs';
import { firstMessage } from './first-message.mjs';

announce({ name: 'bare WebSocket, /connect' });
obey({
  first: firstMessage((port, since, onData) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/connect`);
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify({ type: 'hello', versions: [1] }));
      socket.send(JSON.stringify({ type: 'subscribe', channel: 'first', since }));
    });
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === 'publication') onData(message.data);
    });
    return () => socket.close();
  }),
});
