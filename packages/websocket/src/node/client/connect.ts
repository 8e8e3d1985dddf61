import { UsageError } from '../../connection/errors.ts';
import { checkOneOf, type ReceiveMode } from '../connection-limits.ts';
import { prepareSharedReadBuffer } from '../shared-read-buffer.ts';
import { type ClientConnection, ClientConnectionCore, ReceivedAnswer, sharedFor } from './client-connection.ts';
import { ClientOpening } from './client-opening.ts';
import { type ConnectOptions, resolveSettings } from './options.ts';
import { parseTarget } from './target.ts';

/**
 * Opens a WebSocket connection as a client (RFC 6455 §4.1). Messages come to the `message` handler; or, where that is
 * left out, to whoever calls `messages()`, `readable` or `receiveStream()` in `open`, or at once when the promise has
 * resolved.
 *
 *     const connection = await connect('ws://127.0.0.1:8080/echo');
 *     connection.send('hello');
 *     for await (const message of connection.messages()) console.log(message);
 *
 * @param url ws:, wss:, http:, https:, or ws+unix:/path/of/socket:/path
 * @throws HandshakeError where there is no connection: `code`, `status`, `headers` and `body` say why
 * @throws UsageError `PB_OPTION_INVALID`, and HandshakeUsageError for a URL, header or subprotocol that cannot be
 */
export async function connect<Context = undefined, Receive extends ReceiveMode = 'owned'>(
  url: string | URL,
  options: ConnectOptions<Context, Receive> = {},
): Promise<ClientConnection<Context>> {
  const settings = resolveSettings(options);
  const target = parseTarget(url, options.socketPath);
  const { signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new UsageError('PB_OPTION_INVALID', `signal is ${String(signal)}: pass an AbortSignal`);
  }
  checkOneOf({ receive: options.receive ?? 'owned' }, 'receive', ['owned', 'borrowed']);
  signal?.throwIfAborted();
  void prepareSharedReadBuffer();
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      opening.cancel();
      reject(signal!.reason as Error);
    };
    const opening = new ClientOpening(target, settings, {
      onOpened(opened) {
        signal?.removeEventListener('abort', onAbort);
        const shared = sharedFor(settings, options);
        const connection = new ClientConnectionCore<Context>(shared, opened, options.context as Context, opened.url);
        connection.start(opened.rest, new ReceivedAnswer(opened));
        resolve(connection);
      },
      onFailed(error) {
        signal?.removeEventListener('abort', onAbort);
        reject(error as Error);
      },
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    // What the application has a say in while it dials, such as `lookup`, may have aborted it already.
    if (signal?.aborted) onAbort();
  });
}
