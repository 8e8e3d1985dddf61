import { Beacon, type BeaconOptions, type Channel, type Publication, type PublishOptions } from './client.ts';
import { readChannelUrl } from './websocket/channel-url.ts';
import {
  blobOf,
  CloseEvent,
  type CloseEventLike,
  type EventLike,
  exception,
  messageEvent,
  type MessageEventLike,
  plainEvent,
  Target,
  utf8,
} from './websocket/dom.ts';
import { fromPublication, type SendData, sizeOf, toPayload } from './websocket/messages.ts';

export type { BeaconOptions } from './client.ts';
export type { BlobLike, CloseEventLike, EventLike, MessageEventLike } from './websocket/dom.ts';
export type { SendData } from './websocket/messages.ts';

type Handler<Event> = ((event: Event) => void) | null;

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** RFC 6455 §7.4.1. */
const CLOSE_NORMAL = 1000;
const CLOSE_NO_STATUS = 1005;
const CLOSE_ABNORMAL = 1006;
const CLOSE_POLICY_VIOLATION = 1008;
/** RFC 6455 §5.5.1: a close frame has room for so much beside its code. */
const MAX_REASON_BYTES = 123;

const GAP = 'PB_POSITION_INVALID; what was published meanwhile is not all kept';

/**
 * A `WebSocket` (WHATWG) over one channel, for code that knows nothing else. It stays open while the connection is lost and
 * comes back, by whatever transport, and misses nothing; where something is lost for good, it closes with 1008, so that its
 * user begins anew.
 */
export class BeaconWebSocket extends Target {
  static readonly CONNECTING: 0 = CONNECTING;
  static readonly OPEN: 1 = OPEN;
  static readonly CLOSING: 2 = CLOSING;
  static readonly CLOSED: 3 = CLOSED;
  readonly CONNECTING: 0 = CONNECTING;
  readonly OPEN: 1 = OPEN;
  readonly CLOSING: 2 = CLOSING;
  readonly CLOSED: 3 = CLOSED;
  readonly url: string;
  /** A channel has no subprotocol here, and nothing is extended. */
  readonly protocol: string = '';
  readonly extensions: string = '';
  binaryType: 'blob' | 'arraybuffer' = 'blob';
  onopen: Handler<EventLike> = null;
  onmessage: Handler<MessageEventLike> = null;
  onerror: Handler<EventLike> = null;
  onclose: Handler<CloseEventLike> = null;
  /** What is beneath: its state, and by which transport it is online. */
  readonly beacon: Beacon;
  private readonly channel: Channel;
  private readonly origin: string;
  private state: 0 | 1 | 2 | 3 = CONNECTING;
  private unpublished = 0;
  /** Whatever was sent is given to the channel in its order. */
  private given: Promise<void> = Promise.resolve();
  private readonly replies = new Set<Promise<unknown>>();

  /**
   * @param url of the channel, such as `wss://example.com/channels/news`, with `?since=` and `?echo=0` as there
   * @param protocols none: `[]`
   * @throws {DOMException} `SyntaxError` for another URL, `NotSupportedError` for a subprotocol
   */
  constructor(url: string, protocols: string | readonly string[] = [], options: BeaconOptions = {}) {
    super();
    if (protocols.length > 0) {
      throw exception('NotSupportedError', 'a channel that goes by any transport has no subprotocol: leave it out');
    }
    const { href, origin, server, channel, since, echo } = readChannelUrl(url);
    this.url = href;
    this.origin = origin;
    this.beacon = new Beacon(server, options);
    this.channel = this.beacon.channel(channel);
    this.channel.on('notRecovered', () => this.end(CLOSE_POLICY_VIOLATION, GAP));
    this.channel.on('error', (error) => this.fail(error));
    const onPublication = (publication: Publication): void => this.deliver(publication);
    const begin = since === undefined ? {} : { since };
    this.channel.subscribe({ onPublication, echo, ...begin }).ready.then(
      () => this.onReady(),
      // The event says so, too.
      () => {},
    );
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.state;
  }

  /** Bytes that were sent, and are not published yet. */
  get bufferedAmount(): number {
    return this.unpublished;
  }

  /**
   * Publishes text as text, and everything else as bytes.
   * @throws {DOMException} `InvalidStateError` before it is open
   */
  send(data: SendData): void {
    if (this.state === CONNECTING) throw exception('InvalidStateError', 'it is not open yet');
    const size = sizeOf(data);
    this.unpublished += size;
    if (this.state !== OPEN) return;
    this.given = this.give(data, size, this.given);
  }

  /**
   * Ends it, once what was sent is published; while there is no connection, at once.
   * @throws {DOMException} `InvalidAccessError` for a code that is neither 1000 nor 3000 to 4999, `SyntaxError` for a reason
   * of more than 123 bytes
   */
  close(code?: number, reason: string = ''): void {
    if (code !== undefined && code !== CLOSE_NORMAL && !(code >= 3000 && code <= 4999)) {
      throw exception('InvalidAccessError', `the code is ${code}: pass 1000, or 3000 to 4999`);
    }
    if (utf8(reason).length > MAX_REASON_BYTES) {
      throw exception('SyntaxError', `the reason has more than ${MAX_REASON_BYTES} bytes`);
    }
    if (this.state >= CLOSING) return;
    const wasOpen = this.state === OPEN;
    this.state = CLOSING;
    if (!wasOpen) return this.fail(new Error('closed before it was open'));
    void this.settled().then(() => this.end(code ?? CLOSE_NO_STATUS, reason, true));
  }

  /** Gives it to the channel, once what was sent before it has been. */
  private async give(data: SendData, size: number, before: Promise<void>): Promise<void> {
    await before;
    const { data: payload, ...options } = await toPayload(data);
    const reply = this.publish(payload, options, size);
    this.replies.add(reply);
    void reply.finally(() => this.replies.delete(reply));
  }

  private async publish(data: unknown, options: PublishOptions, size: number): Promise<void> {
    try {
      await this.channel.publish(data, options);
      this.unpublished -= size;
    } catch (error) {
      this.fail(error as Error);
    }
  }

  private async settled(): Promise<void> {
    await this.given;
    if (this.beacon.state === 'online') await Promise.all(this.replies);
  }

  private onReady(): void {
    if (this.state !== CONNECTING) return;
    this.state = OPEN;
    this.fire(plainEvent('open'), this.onopen);
  }

  private deliver(publication: Publication): void {
    // What was kept comes right behind the answer to the subscription.
    this.onReady();
    if (this.state !== OPEN) return;
    const data = fromPublication(publication);
    const shown = typeof data === 'string' ? data : this.binaryType === 'blob' ? blobOf(data) : data.buffer;
    this.fire(messageEvent(shown, this.origin), this.onmessage);
  }

  private fail(error: Error): void {
    if (this.state === CLOSED) return;
    this.fire(plainEvent('error'), this.onerror);
    this.end(CLOSE_ABNORMAL, error.message);
  }

  private end(code: number, reason: string, wasClean: boolean = false): void {
    if (this.state === CLOSED) return;
    this.state = CLOSED;
    this.beacon.close();
    this.fire(new CloseEvent(code, reason, wasClean), this.onclose);
  }

  private fire<Event extends EventLike>(event: Event, handler: Handler<Event>): void {
    try {
      handler?.call(this, event);
    } finally {
      this.dispatchEvent(event);
    }
  }
}
