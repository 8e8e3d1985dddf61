import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type ClientConnection, connect, type ConnectOptions, HandshakeError } from '@pulsebeacon/websocket';

/** Opens a connection that is cut when the test ends. */
export async function open<Context = undefined>(
  t: TestContext,
  url: string,
  options: ConnectOptions<Context> = {},
): Promise<ClientConnection<Context>> {
  const connection = await connect(url, options);
  t.after(() => connection.terminate());
  return connection;
}

/** Why a connection does not come about. */
export async function failureOf(attempt: Promise<unknown>): Promise<HandshakeError> {
  const error = await attempt.then(
    () => assert.fail('it connected'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HandshakeError, String(error));
  return error;
}

export const failed = (url: string, options: ConnectOptions<unknown> = {}): Promise<HandshakeError> =>
  failureOf(connect(url, options));
