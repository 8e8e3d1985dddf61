import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type BeginningReader, Beginnings, type NoBeginning, putBack } from './beginnings.ts';
import { UpgradeDispatcher } from './upgrade-dispatcher.ts';

/** What a client begins with that knows that it will find HTTP/2 (RFC 9113 §3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** No request of HTTP/1.1 begins so. */
const TELLING_BYTES = 4;

/** Whom connections without TLS are for. */
export interface PlainTakers {
  readonly toHttp1: (socket: Socket) => void;
  readonly toHttp2: (socket: Socket) => void;
  /** WebSockets are opened without `node:http` where their handshakes allow it. */
  readonly readsHandshakes: boolean;
}

/** Looks at what connections without TLS begin with, and gives them to whom they are for. */
export class PlainConnections implements BeginningReader<boolean> {
  private readonly server: Server;
  private readonly takers: PlainTakers;
  private readonly undecided: Beginnings<boolean>;

  constructor(server: Server, takers: PlainTakers) {
    this.server = server;
    this.takers = takers;
    this.undecided = new Beginnings(this);
  }

  add(socket: Socket): void {
    this.undecided.add(socket);
  }

  /** Ends those that have not begun. */
  destroyUndecided(): void {
    this.undecided.destroy();
  }

  get timeout(): number {
    return this.server.headersTimeout;
  }

  /** Whether it is HTTP/2. */
  read(seen: Buffer): boolean | undefined {
    if (seen[0] !== PREFACE[0]) return false;
    const isLike = seen.subarray(0, PREFACE.length).equals(PREFACE.subarray(0, seen.length));
    return isLike && seen.length < TELLING_BYTES ? undefined : isLike;
  }

  onBegun(socket: Socket, isHttp2: boolean, seen: Buffer): void {
    const { toHttp1, toHttp2, readsHandshakes } = this.takers;
    if (readsHandshakes && !isHttp2 && UpgradeDispatcher.openFirst(this.server, socket, seen)) return;
    putBack(socket, seen);
    if (isHttp2) toHttp2(socket);
    else toHttp1(socket);
  }

  onNone(socket: Socket, why: NoBeginning): void {
    if (why === 'late') refuseLate(this.server, socket);
    else socket.destroy();
  }
}

/** As Node does with a request that takes too long: the application answers, where it listens for that. */
function refuseLate(server: Server, socket: Socket): void {
  socket.on('error', ignore);
  const late = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
  if (server.emit('clientError', late, socket)) return;
  socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n', () => socket.destroy());
}

function ignore(): void {}
