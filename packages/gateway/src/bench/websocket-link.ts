import { type ClientConnection, connect, type ConnectOptions, type MessageKind } from '@pulsebeacon/websocket';
import type { Link, LinkMaker, LinkObserver } from './link.ts';
import { Payload } from './payload.ts';
import type { LoadPlan } from './plan.ts';

const NORMAL_CLOSURE = 1000;
/** A server that is still busy with what it was sent may keep us waiting for so long. */
const CLOSE_TIMEOUT_MS = 2000;
/** What is shown of an answer that is none. */
const SHOWN_BYTES = 40;
const NO_CODE = 1005;

type Options = ConnectOptions<WebSocketLink, 'borrowed'>;

/** Opens WebSocket connections, by the client of this project. */
export class WebSocketLinkMaker implements LinkMaker {
  private readonly url: string;
  private readonly options: Options;
  private readonly payload: Payload;
  private readonly verify: boolean;

  constructor(plan: LoadPlan, socketPath: string | undefined = plan.target.socketPath) {
    this.url = plan.target.socketUrl;
    this.payload = new Payload(plan.payload);
    this.verify = plan.verify;
    this.options = { ...optionsOf(plan), ...(socketPath === undefined ? {} : { socketPath }) };
  }

  async open(observer: LinkObserver): Promise<Link> {
    const link = new WebSocketLink(this.payload, this.verify, observer);
    link.connection = await connect(this.url, { ...this.options, context: link });
    return link;
  }
}

function optionsOf({ opening, timeout, payload }: LoadPlan): Options {
  const { subprotocols, headers, origin, compression, ca, insecure } = opening;
  return {
    handshakeTimeout: timeout,
    subprotocols,
    headers,
    compression,
    ...(origin === undefined ? {} : { origin }),
    tls: { rejectUnauthorized: !insecure, ...(ca === undefined ? {} : { ca }) },
    // What is in flight was asked for; and a client that stops reading while it cannot write could wait for ever.
    maxMessageSize: Math.max(2 ** 20, 2 * payload.size),
    maxFragments: Infinity,
    maxQueuedBytes: Infinity,
    sendHighWaterMark: Infinity,
    closeTimeout: CLOSE_TIMEOUT_MS,
    receive: 'borrowed',
    message: (connection, data, kind) => connection.context.onMessage(data, kind),
    error: (connection, error) => connection.context.onFailed(error.code, error.message),
    close: (connection, code, reason) => connection.context.onClosed(code, reason),
  };
}

class WebSocketLink implements Link {
  connection: ClientConnection<WebSocketLink> | undefined;
  private readonly payload: Payload;
  private readonly verify: boolean;
  private readonly observer: LinkObserver;
  private sent = 0;
  private received = 0;
  private failure: string | undefined;
  private isEnding = false;
  private onEnded: (() => void) | undefined;
  private hasClosed = false;

  constructor(payload: Payload, verify: boolean, observer: LinkObserver) {
    this.payload = payload;
    this.verify = verify;
    this.observer = observer;
  }

  send(): boolean {
    const result = this.connection!.send(this.payload.message(this.sent), this.payload.kind);
    if (result !== 'sent' && result !== 'queued') return false;
    this.sent++;
    return true;
  }

  async end(): Promise<void> {
    this.isEnding = true;
    if (this.hasClosed) return;
    const ended = new Promise<void>((resolve) => (this.onEnded = resolve));
    this.connection!.close(NORMAL_CLOSURE);
    await ended;
  }

  onMessage(data: Uint8Array, kind: MessageKind): void {
    if (this.isEnding) return;
    const { payload, received } = this;
    if (received === this.sent) {
      if (this.verify) this.observer.onMismatch(`received ${described(data, kind)} that nobody asked for`);
      return;
    }
    // All of the first, and of the others what tells them apart.
    const isAnswer = received === 0 ? payload.equals(data, received) : payload.matches(data, received);
    if (this.verify && (!isAnswer || kind !== payload.kind)) {
      this.observer.onMismatch(`received ${described(data, kind)}, expected ${this.expected()}`);
      return;
    }
    this.received++;
    this.observer.onAnswer(data.length);
  }

  onFailed(code: string, message: string): void {
    this.failure ??= code;
    this.observer.onLost(code, message);
  }

  onClosed(code: number, reason: string): void {
    this.hasClosed = true;
    this.onEnded?.();
    if (this.isEnding || this.failure !== undefined) return;
    const how = code === NO_CODE ? 'close without code' : `close ${code}`;
    this.observer.onLost(how, reason);
  }

  private expected(): string {
    const { size, kind } = this.payload;
    return `the ${size} bytes of ${kind} that were sent (message ${this.received + 1} of the connection)`;
  }
}

function described(data: Uint8Array, kind: MessageKind): string {
  const start = Buffer.from(data.subarray(0, SHOWN_BYTES));
  const shown = kind === 'text' ? JSON.stringify(start.toString()) : start.toString('hex');
  return `${data.length} bytes of ${kind} (${shown}${data.length > SHOWN_BYTES ? ' …' : ''})`;
}
