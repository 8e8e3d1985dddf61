// Opens a WebSocket and sends the first fragment of a message; then it waits to be killed.
import { connect } from 'node:net';
import { frame, handshake } from '../../support/raw.ts';

const socket = connect(Number(process.argv[2]), '127.0.0.1');
socket.write(handshake('/sink'));
socket.once('data', () => {
  socket.write(frame(0x2, Buffer.alloc(900 * 1024), { fin: false }));
  // The pong says that everything before the ping has been read.
  socket.write(frame(0x9, Buffer.alloc(0)));
  socket.once('data', () => process.send!('read'));
});
