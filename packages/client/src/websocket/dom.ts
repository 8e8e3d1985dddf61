// What of the DOM the WebSocket class stands on: Node has it, too, but for CloseEvent, which it has from 23 on.

export interface EventLike {
  readonly type: string;
}

export interface MessageEventLike extends EventLike {
  readonly data: unknown;
  readonly origin: string;
  readonly lastEventId: string;
}

export interface CloseEventLike extends EventLike {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

interface TargetLike {
  addEventListener(type: string, listener: ((event: never) => void) | null, options?: unknown): void;
  removeEventListener(type: string, listener: ((event: never) => void) | null, options?: unknown): void;
  dispatchEvent(event: EventLike): boolean;
}

/** A Blob, as far as it is looked at. */
export interface BlobLike {
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

interface Dom {
  readonly EventTarget: new () => TargetLike;
  readonly Event: new (type: string) => EventLike;
  readonly MessageEvent: new (type: string, init: { data: unknown; origin: string }) => MessageEventLike;
  readonly DOMException: new (message: string, name: string) => Error;
  readonly Blob: new (parts: readonly Uint8Array[]) => BlobLike;
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
}

const dom: Dom = globalThis as unknown as Dom;

export const Target: Dom['EventTarget'] = dom.EventTarget;

const PlainEvent: Dom['Event'] = dom.Event;

/** As the WHATWG has it. */
export class CloseEvent extends PlainEvent implements CloseEventLike {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;

  constructor(code: number, reason: string, wasClean: boolean) {
    super('close');
    this.code = code;
    this.reason = reason;
    this.wasClean = wasClean;
  }
}

export const plainEvent = (type: string): EventLike => new PlainEvent(type);

export const messageEvent = (data: unknown, origin: string): MessageEventLike =>
  new dom.MessageEvent('message', { data, origin });

export const exception = (name: string, message: string): Error => new dom.DOMException(message, name);

export const blobOf = (bytes: Uint8Array): BlobLike => new dom.Blob([bytes]);

export const utf8 = (text: string): Uint8Array => new dom.TextEncoder().encode(text);
