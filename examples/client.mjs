// A client that stays with its server: comes back after a loss, and tells the server again what it wants.
//   node examples/echo.mjs & node examples/client.mjs ws://127.0.0.1:8080/echo
import { ReconnectingConnection } from '@pulsebeacon/websocket';

const [url = 'ws://127.0.0.1:8080/echo'] = process.argv.slice(2);

const link = new ReconnectingConnection(url, {
  open(connection) {
    console.log(`connected to ${connection.url}`);
    connection.send('hello');
  },
  message: (_connection, data) => console.log(`message: ${data}`),
  retry: ({ attempt, delay, closeCode, error }) => {
    const why = error instanceof Error ? error.message : `closed with ${closeCode}`;
    console.log(`${why}; attempt ${attempt} in ${Math.round(delay)} ms`);
  },
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => link.close());

try {
  await link.finished;
  console.log('closed');
} catch (error) {
  // Trying again cannot help; the message says what would.
  console.error(String(error));
  process.exitCode = 1;
}
