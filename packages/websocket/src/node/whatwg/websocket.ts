import { EventHandlers } from './event-handlers.ts';
import type { WebSocketOptions } from './options.ts';
import type { CloseEvent } from './close-event.ts';
import { checkProtocols, getUrlRecord, syntaxError } from './url-record.ts';
import {
  defineConstants,
  defineInterface,
  requireArguments,
  toClampedUnsignedShort,
  toDOMString,
  toSendable,
  toStringSequence,
  toUSVString,
} from './web-idl.ts';
import { type BinaryType, CLOSED, CLOSING, CONNECTING, OPEN, WebSocketCore } from './websocket-core.ts';

export type { BinaryType };

/** RFC 6455 §5.5: 125 bytes for a control frame, less two for the code. */
const MAX_REASON = 123;

export interface WebSocketEventMap {
  open: Event;
  message: MessageEvent;
  error: Event;
  close: CloseEvent;
}

type Listener<Type extends keyof WebSocketEventMap> = (this: WebSocket, event: WebSocketEventMap[Type]) => unknown;

/** An event handler IDL attribute: what is no object is null. */
export type WebSocketEventHandler<Type extends keyof WebSocketEventMap> = Listener<Type> | null;

interface TypedTarget {
  addEventListener<Type extends keyof WebSocketEventMap>(
    type: Type,
    listener: Listener<Type>,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: AnyListener | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Type extends keyof WebSocketEventMap>(
    type: Type,
    listener: Listener<Type>,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: AnyListener | null, options?: boolean | EventListenerOptions): void;
}
type AnyListener = Parameters<EventTarget['addEventListener']>[1];
type AddEventListenerOptions = Exclude<Parameters<EventTarget['addEventListener']>[2], boolean | undefined>;
type EventListenerOptions = Exclude<Parameters<EventTarget['removeEventListener']>[2], boolean | undefined>;

/** EventTarget, with the events of a WebSocket in its types. */
const WebSocketEventTarget: new () => Omit<EventTarget, keyof TypedTarget> & TypedTarget = EventTarget;

/**
 * The interface of browsers (https://websockets.spec.whatwg.org/), which can stand as `globalThis.WebSocket`.
 *
 *     const socket = new WebSocket('ws://127.0.0.1:8080/echo');
 *     socket.onopen = () => socket.send('hello');
 *     socket.onmessage = ({ data }) => console.log(data);
 */
export class WebSocket extends WebSocketEventTarget {
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSING: 2;
  declare static readonly CLOSED: 3;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  readonly #core: WebSocketCore;
  #handlers: EventHandlers | undefined;

  /**
   * Begins to connect.
   * @param url ws:, wss:, http: or https:, absolute, without fragment
   * @param protocols subprotocols, the preferred one first; the server has to choose one
   * @param options what browsers do not have, see {@link WebSocketOptions}
   * @throws DOMException SyntaxError for a URL or a subprotocol that cannot be
   * @throws UsageError `PB_OPTION_INVALID`, and HandshakeUsageError for a header that cannot be
   */
  constructor(url: string | URL, protocols: string | Iterable<string> = [], options?: WebSocketOptions) {
    requireArguments('WebSocket', arguments.length, 1);
    super();
    const given = toUSVString(url);
    const list = toStringSequence(protocols);
    const record = getUrlRecord(given);
    checkProtocols(list);
    this.#core = new WebSocketCore(this as unknown as EventTarget, record, list, options);
  }

  /** Where it is connected to, serialised. */
  get url(): string {
    return this.#core.url;
  }

  /** CONNECTING (0), OPEN (1), CLOSING (2) or CLOSED (3). */
  get readyState(): number {
    return this.#core.readyState;
  }

  /** Bytes of payload that were sent and are not transmitted; those that never will be stay in it. */
  get bufferedAmount(): number {
    return this.#core.bufferedAmount;
  }

  /** The extensions that the server chose, as in Sec-WebSocket-Extensions, or the empty string. */
  get extensions(): string {
    return this.#core.extensions;
  }

  /** The subprotocol that the server chose, or the empty string. */
  get protocol(): string {
    return this.#core.protocol;
  }

  /** What binary messages come as. Default `blob`; what is neither of the two changes nothing. */
  get binaryType(): BinaryType {
    return this.#core.binaryType;
  }

  set binaryType(value: BinaryType) {
    const core = this.#core;
    const type = toDOMString(value);
    if (type === 'blob' || type === 'arraybuffer') core.binaryType = type;
  }

  get onopen(): WebSocketEventHandler<'open'> {
    return this.#handler('open');
  }

  set onopen(value: WebSocketEventHandler<'open'>) {
    this.#setHandler('open', value);
  }

  get onerror(): WebSocketEventHandler<'error'> {
    return this.#handler('error');
  }

  set onerror(value: WebSocketEventHandler<'error'>) {
    this.#setHandler('error', value);
  }

  get onclose(): WebSocketEventHandler<'close'> {
    return this.#handler('close');
  }

  set onclose(value: WebSocketEventHandler<'close'>) {
    this.#setHandler('close', value);
  }

  get onmessage(): WebSocketEventHandler<'message'> {
    return this.#handler('message');
  }

  set onmessage(value: WebSocketEventHandler<'message'>) {
    this.#setHandler('message', value);
  }

  #handler<Type extends keyof WebSocketEventMap>(type: Type): WebSocketEventHandler<Type> {
    return (this.#handlers?.get(type) ?? null) as WebSocketEventHandler<Type>;
  }

  #setHandler(type: string, value: unknown): void {
    this.#handlers ??= new EventHandlers();
    this.#handlers.set(this as unknown as EventTarget, type, value);
  }

  /**
   * Sends a message: a string as text, everything else as binary. What is sent after a Blob waits until that is read.
   * @throws DOMException InvalidStateError while CONNECTING
   * @throws TypeError for a view on a SharedArrayBuffer, and for a resizable ArrayBuffer
   */
  send(data: string | ArrayBuffer | ArrayBufferView | Blob): void {
    const core = this.#core;
    requireArguments('send', arguments.length, 1);
    const sendable = toSendable(data);
    if (core.readyState === CONNECTING) {
      throw new DOMException('send() while CONNECTING: wait for the open event', 'InvalidStateError');
    }
    core.send(sendable);
  }

  /**
   * Starts the closing handshake, or gives up connecting. What was sent before is delivered first.
   * @param code 1000, or 3000 to 4999; without code and reason, the close frame has none
   * @param reason at most 123 bytes of UTF-8
   * @throws DOMException InvalidAccessError for any other code, SyntaxError for a longer reason
   */
  close(code: number | undefined = undefined, reason: string | undefined = undefined): void {
    const core = this.#core;
    const checkedCode = code === undefined ? undefined : toClampedUnsignedShort(code);
    const checkedReason = reason === undefined ? '' : toUSVString(reason);
    if (checkedCode !== undefined && checkedCode !== 1000 && (checkedCode < 3000 || checkedCode > 4999)) {
      throw new DOMException(`the code is ${checkedCode}: use 1000, or 3000 to 4999`, 'InvalidAccessError');
    }
    const length = Buffer.byteLength(checkedReason);
    if (length > MAX_REASON) {
      throw syntaxError(`the reason has ${length} bytes of UTF-8; at most ${MAX_REASON} fit into a close frame`);
    }
    core.close(checkedCode, checkedReason);
  }
}

defineConstants(WebSocket, { CONNECTING, OPEN, CLOSING, CLOSED });
defineInterface(WebSocket, [
  'url',
  'readyState',
  'bufferedAmount',
  'onopen',
  'onerror',
  'onclose',
  'extensions',
  'protocol',
  'close',
  'onmessage',
  'binaryType',
  'send',
]);
