import { type Ending, endingOfClose } from '../connection/ending.ts';
import type { SocketClass } from '../platform.ts';
import { endingOfFailure, withQuery } from './http.ts';
import { Receiver } from './receiver.ts';
import type { Link, LinkOwner } from './transport.ts';

/** RFC 6455 §7.4.1: browsers let pages say this one, and 3000 to 4999. */
const CLOSE_NORMAL = 1000;

export interface WebSocketSettings {
  readonly url: string;
  readonly WebSocket: SocketClass;
  /** Finds out why one did not open; browsers do not say. It never rejects. */
  readonly explain: () => Promise<Ending>;
}

/** A text message for each command, and a line of one for each message of the server. */
export function openWebSocket({ url, WebSocket, explain }: WebSocketSettings, owner: LinkOwner): Link {
  // What the URL says need not wait for the way there and back that opens it.
  const begin = owner.begin();
  const socket = new WebSocket(begin === undefined ? url : withQuery(url, begin));
  const receiver = new Receiver(owner, () => socket.close(CLOSE_NORMAL));
  let isOpen = false;
  const send = (commands: readonly unknown[]): void => {
    for (const command of commands) socket.send(JSON.stringify(command));
  };
  const greet = async (): Promise<void> => {
    const hello = await owner.hello();
    if (receiver.isOver) return;
    // In one go: the answer to hello need not be waited for.
    send([{ type: 'hello', ...hello }, ...owner.subscribes()]);
  };
  socket.addEventListener('open', () => {
    if (receiver.isOver) return;
    isOpen = true;
    owner.onSign();
    if (begin === undefined) greet().catch((error: unknown) => receiver.end(endingOfFailure(error)));
  });
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') receiver.text(data);
  });
  socket.addEventListener('close', ({ code = 1006, reason = '' }) => {
    if (receiver.isOver) return;
    if (isOpen) return receiver.end(endingOfClose(code, reason));
    // To find out why takes its own time.
    owner.onSign();
    return void explain().then((ending) => receiver.end(ending));
  });
  // A close follows every error, and says as much.
  socket.addEventListener('error', () => {});
  return { send, close: () => receiver.close() };
}
