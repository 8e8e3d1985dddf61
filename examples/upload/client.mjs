// Sends a file as one message, part by part, as fast as the server writes it to its disk.
//   node examples/upload/client.mjs video.mp4 ws://127.0.0.1:8080/upload
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { connect } from '@pulsebeacon/websocket';

const [file, url = 'ws://127.0.0.1:8080/upload'] = process.argv.slice(2);
if (file === undefined) {
  console.error('usage: node examples/upload/client.mjs FILE [URL]');
  process.exit(2);
}

try {
  const connection = await connect(url);
  try {
    const answers = connection.messages();
    await Readable.toWeb(createReadStream(file)).pipeTo(connection.sendStream('binary'));
    const { value: answer } = await answers.next();
    console.log(answer);
  } finally {
    connection.close();
  }
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}
