import { type ClientConnection, connect, HandshakeError, isFinal, type WebSocketError } from '@pulsebeacon/websocket';
import { ENVELOPE_SUBPROTOCOL } from '@pulsebeacon/wire';
import { describeCode } from '../connect/close-codes.ts';
import { EXIT } from '../remote/exit-codes.ts';
import { failureOfHandshake, RemoteFailure } from '../remote/remote-failure.ts';
import { channelUrl, type RemoteServer } from '../remote/server.ts';
import type { Feed, FeedSink } from './feed.ts';

/** Most bytes of a message: what the other transports take, too. */
const MAX_MESSAGE = 64 * 1024 ** 2;

/** A channel by WebSocket, in envelopes. */
export class WebSocketFeed implements Feed {
  private readonly server: RemoteServer;
  private readonly channel: string;
  private connection: ClientConnection | undefined;

  constructor(server: RemoteServer, channel: string) {
    this.server = server;
    this.channel = channel;
  }

  async follow(since: string | undefined, sink: FeedSink, signal: AbortSignal): Promise<RemoteFailure> {
    const url = channelUrl(this.server, this.channel, since === undefined ? {} : { since });
    const close = (): void => this.connection?.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      return await new Promise<RemoteFailure>((resolve, reject) => {
        this.open(url, sink, signal, resolve).catch(reject);
      });
    } catch (error) {
      throw error instanceof HandshakeError ? failureOfHandshake(url, error) : error;
    } finally {
      signal.removeEventListener('abort', close);
      this.connection = undefined;
    }
  }

  pause(): void {
    this.connection?.pause();
  }

  resume(): void {
    this.connection?.resume();
  }

  close(): void {}

  private async open(
    url: URL,
    sink: FeedSink,
    signal: AbortSignal,
    ended: (failure: RemoteFailure) => void,
  ): Promise<void> {
    const { headers, tls, timeout } = this.server;
    let failure: WebSocketError | undefined;
    await connect(url, {
      headers,
      tls,
      subprotocols: [ENVELOPE_SUBPROTOCOL],
      requireSubprotocol: true,
      handshakeTimeout: timeout,
      maxMessageSize: MAX_MESSAGE,
      maxFragments: Infinity,
      signal,
      open: (connection) => {
        this.connection = connection;
      },
      message: (_, data) => sink.message(String(data)),
      error: (_, error) => {
        failure = error;
      },
      close: (_, code, reason) => ended(failureOfClose(url, code, reason, failure)),
    });
  }
}

/** Nobody has sent it: there was no closing handshake (RFC 6455 §7.1.5). */
const ABNORMAL_CLOSURE = 1006;
/** As a hub says it in a reason (`PB_HUB_DRAINING; retry after 1400 ms; …`). */
const HINT = /\bretry after (\d{1,9}) ms\b/;

function failureOfClose(url: URL, closeCode: number, reason: string, error: WebSocketError | undefined): RemoteFailure {
  const isOver = isFinal({ error, closeCode, reason });
  const exitCode = isOver ? EXIT.refused : EXIT.lost;
  if (error !== undefined) {
    return new RemoteFailure(`the connection to ${url.host} broke: ${error.message}`, { exitCode, retry: !isOver });
  }
  if (closeCode === ABNORMAL_CLOSURE)
    return new RemoteFailure(`the connection to ${url.host} broke`, { exitCode, retry: true });
  const why = `${describeCode(closeCode)}${reason === '' ? '' : `: ${reason}`}`;
  const hint = HINT.exec(reason)?.[1];
  return new RemoteFailure(`${url.host} closed the connection with ${why}`, {
    exitCode,
    retry: !isOver,
    retryAfter: hint === undefined ? undefined : Number(hint),
  });
}
