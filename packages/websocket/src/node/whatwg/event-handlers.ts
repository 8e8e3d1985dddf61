import { isObject } from './web-idl.ts';

interface Handler {
  callback: object;
  readonly listener: (event: Event) => void;
}

const { addEventListener, removeEventListener } = EventTarget.prototype;

/**
 * The event handler IDL attributes of one object (https://html.spec.whatwg.org/#event-handler-attributes). A handler
 * is called in the place where it was first set, and keeps it until it is set to null.
 */
export class EventHandlers {
  private readonly handlers = new Map<string, Handler>();

  get(type: string): object | null {
    return this.handlers.get(type)?.callback ?? null;
  }

  /** @param value kept where it is an object, called where it is a function; anything else is null */
  set(target: EventTarget, type: string, value: unknown): void {
    const handler = this.handlers.get(type);
    if (!isObject(value)) {
      if (handler === undefined) return;
      this.handlers.delete(type);
      removeEventListener.call(target, type, handler.listener);
    } else if (handler === undefined) {
      const added = newHandler(value);
      this.handlers.set(type, added);
      addEventListener.call(target, type, added.listener);
    } else {
      handler.callback = value;
    }
  }
}

function newHandler(callback: object): Handler {
  const handler: Handler = {
    callback,
    listener: (event) => {
      const { callback: current } = handler;
      if (typeof current !== 'function') return;
      if (Reflect.apply(current, event.currentTarget, [event]) === false) event.preventDefault();
    },
  };
  return handler;
}
