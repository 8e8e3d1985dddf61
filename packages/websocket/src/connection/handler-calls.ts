import { UsageError, WebSocketError } from './errors.ts';

/** Whose handlers are called. */
export interface HandlerOwner {
  /** A handler has thrown, or its promise was rejected. */
  onHandlerFailed(cause: unknown): void;
}

/** Calls a handler, where there is one: not on the way of messages, which has a call of its own. */
export function callHandler<C extends HandlerOwner, A extends unknown[]>(
  connection: C,
  handler: ((connection: C, ...args: A) => unknown) | undefined,
  ...args: A
): void {
  if (handler === undefined) return;
  try {
    watchResult(connection, handler(connection, ...args));
  } catch (error) {
    connection.onHandlerFailed(error);
  }
}

/** A handler may be async: its rejection is the same as a throw. */
export function watchResult(connection: HandlerOwner, result: unknown): void {
  if (result instanceof Promise) result.catch((error: unknown) => connection.onHandlerFailed(error));
}

/**
 * Tells the `error` handler; what goes wrong in there is nobody's but the application's.
 * @returns false where nobody was told
 */
export function reportError<C>(
  connection: C,
  handler: ((connection: C, error: WebSocketError) => unknown) | undefined,
  what: WebSocketError,
): boolean {
  if (handler === undefined) return false;
  let result: unknown;
  try {
    result = handler(connection, what);
  } catch (failure) {
    throwUncaught(failure);
    return false;
  }
  if (result instanceof Promise) result.catch(throwUncaught);
  return true;
}

/**
 * What a handler gets that waits for a connection, in `messages()` or `drained()`, when the connection ends: no fault
 * of the application's.
 */
export function isEndOfConnection(cause: unknown): boolean {
  return cause instanceof WebSocketError || (cause instanceof UsageError && cause.code === 'PB_CONNECTION_CLOSED');
}

export function throwUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
