// A WebSocket of @pulsebeacon/websocket and nothing else, to the URL of the channel: nothing has to be said there.
import { WebSocket } from '@pulsebeacon/websocket';
import { announce, obey } from '../lib/control.mjs';
import { firstMessage } from './first-message.mjs';

announce({ name: 'bare WebSocket, /channels' });
obey({
  first: firstMessage((port, position, onData) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/channels/first?since=${encodeURIComponent(position)}`);
    socket.addEventListener('message', ({ data }) => onData(data));
    return () => socket.close();
  }),
});
