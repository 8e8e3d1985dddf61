import { defineInterface, isObject, requireArguments, toDOMString, toUnsignedShort, toUSVString } from './web-idl.ts';

export interface CloseEventInit {
  bubbles?: boolean;
  cancelable?: boolean;
  composed?: boolean;
  wasClean?: boolean;
  code?: number;
  reason?: string;
}

/** https://websockets.spec.whatwg.org/#the-closeevent-interface */
export interface CloseEvent extends Event {
  /** Both sides sent a close frame. */
  readonly wasClean: boolean;
  /** The server's; 1005 where its close frame had none, 1006 where none came (RFC 6455 §7.1.5). */
  readonly code: number;
  /** The server's. */
  readonly reason: string;
}

export type CloseEventConstructor = new (type: string, eventInitDict?: CloseEventInit) => CloseEvent;

/** The interface, for where Node has none: before version 23. */
export const OwnCloseEvent: CloseEventConstructor = class extends Event {
  readonly #wasClean: boolean;
  readonly #code: number;
  readonly #reason: string;

  constructor(type: string, eventInitDict: CloseEventInit = {}) {
    requireArguments('CloseEvent', arguments.length, 1);
    const name = toDOMString(type);
    const init = toCloseEventInit(eventInitDict);
    super(name, init);
    this.#wasClean = init.wasClean;
    this.#code = init.code;
    this.#reason = init.reason;
  }

  get wasClean(): boolean {
    return this.#wasClean;
  }

  get code(): number {
    return this.#code;
  }

  get reason(): string {
    return this.#reason;
  }
};

Object.defineProperty(OwnCloseEvent, 'name', { value: 'CloseEvent', configurable: true });
defineInterface(OwnCloseEvent, ['wasClean', 'code', 'reason']);

/** A dictionary is read in this order (Web IDL §3.2.17): what is inherited first, then by name. */
function toCloseEventInit(given: CloseEventInit | null): Required<CloseEventInit> {
  if (given !== null && !isObject(given)) throw new TypeError(`CloseEvent: ${toDOMString(given)} is no object`);
  const { bubbles, cancelable, composed, code, reason, wasClean } = given ?? {};
  return {
    bubbles: Boolean(bubbles),
    cancelable: Boolean(cancelable),
    composed: Boolean(composed),
    code: code === undefined ? 0 : toUnsignedShort(code),
    reason: reason === undefined ? '' : toUSVString(reason),
    wasClean: Boolean(wasClean),
  };
}

/** Looked up when it is needed: for Node's own class Node loads the whole of its fetch. */
export function newCloseEvent(init: CloseEventInit): CloseEvent {
  const { CloseEvent: Global } = globalThis as { CloseEvent?: CloseEventConstructor };
  return new (Global ?? OwnCloseEvent)('close', init);
}
