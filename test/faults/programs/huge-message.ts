// One end of a connection on which one huge message goes, in a process of its own, whose memory is seen from outside.
import { createHash } from 'node:crypto';
import { connect, type Connection, type StreamedMessage, WebSocketServer } from '@pulsebeacon/websocket';

/** What a test may ask; each question is answered by one {@link HugeAnswer}, and `read` when all is read. */
export type HugeQuestion =
  | { readonly ask: 'listen' }
  | { readonly ask: 'connect'; readonly port: number }
  /** Sends a message of so many bytes, and answers when its end is sent. */
  | { readonly ask: 'send'; readonly bytes: number }
  /** Reads the next message to its end. */
  | { readonly ask: 'read' }
  /** Reads the first part of the next message, and no more. */
  | { readonly ask: 'begin' }
  /** How many bytes of messages were sent, and received. */
  | { readonly ask: 'count' }
  | { readonly ask: 'close' };

export interface HugeAnswer {
  readonly port?: number;
  /** Of what was sent, or read. */
  readonly sha256?: string;
  readonly bytes?: number;
  /** The code of what went wrong instead. */
  readonly error?: string;
}

const PART = 65_536;

let server: WebSocketServer | undefined;
let connection: Connection<unknown> | undefined;
let messages: AsyncIterator<StreamedMessage, undefined> | undefined;
let parts: AsyncIterator<Uint8Array | string, undefined> | undefined;
let opened: (() => void) | undefined;

async function listen(): Promise<number> {
  server = new WebSocketServer({
    open(accepted) {
      connection = accepted;
      messages = accepted.receiveStream();
      opened?.();
    },
  });
  const address = await server.listen({ port: 0, host: '127.0.0.1' });
  if (typeof address === 'string') throw new Error('not a port');
  return address.port;
}

/** The connection that was made, or accepted, or will be. */
async function current(): Promise<Connection<unknown>> {
  if (connection === undefined) await new Promise<void>((resolve) => (opened = resolve));
  return connection!;
}

async function send(bytes: number): Promise<HugeAnswer> {
  const hash = createHash('sha256');
  const writer = (await current()).sendStream().getWriter();
  const part = new Uint8Array(PART);
  for (let sent = 0; sent < bytes; sent += part.length) {
    // Every part is another one, so that none can be missing or come twice unseen.
    new DataView(part.buffer).setFloat64(0, sent);
    hash.update(part);
    await writer.write(part);
  }
  await writer.close();
  return { sha256: hash.digest('hex'), bytes };
}

async function begin(): Promise<HugeAnswer> {
  await current();
  const { value } = await messages!.next();
  parts = value![Symbol.asyncIterator]();
  const first = await parts.next();
  return { bytes: first.value!.length };
}

async function read(): Promise<HugeAnswer> {
  await current();
  const { value: message } = await messages!.next();
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const part of message!) {
    hash.update(part);
    bytes += part.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}

async function answer(question: HugeQuestion): Promise<HugeAnswer> {
  switch (question.ask) {
    case 'listen':
      return { port: await listen() };
    case 'connect':
      connection = await connect(`ws://127.0.0.1:${question.port}/`);
      messages = connection.receiveStream();
      return {};
    case 'send':
      return send(question.bytes);
    case 'begin':
      return begin();
    case 'read':
      return read();
    case 'count': {
      const { bytesIn, bytesOut } = connection!.traffic;
      return { bytes: bytesIn + bytesOut };
    }
    case 'close':
      connection?.terminate();
      await server?.close();
      return {};
  }
}

process.on('message', async ({ id, question }: { id: number; question: HugeQuestion }) => {
  const reply = await answer(question).catch((error: { code: string }) => ({ error: error.code }));
  process.send!({ id, ...reply });
  if (question.ask === 'close') process.disconnect();
});
