import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { type ClientConnection, connect, type ConnectOptions, type DeflateOptions } from '@pulsebeacon/websocket';
import type { Scope } from './cleanup.ts';

/** A server of somebody else that sends back what it gets. */
export interface EchoServer {
  readonly url: string;
  /** Where compression is agreed on; left out where the server has none. */
  readonly deflateUrl?: string;
  /** Subprotocols to ask for, and the one that is to be agreed on. Default: none. */
  readonly subprotocol?: { readonly ask: readonly string[]; readonly get: string };
  /** The server cuts messages into several, and cannot take many at once. Default: each comes back as one. */
  readonly cuts?: boolean;
  /** What is between cannot take much both ways at once: each message waits for the one before. Default: many at once. */
  readonly inTurn?: boolean;
  /** How it is connected to: TLS, the version of HTTP. */
  readonly options?: ConnectOptions<unknown>;
}

/** Every length form, and the limits between them (RFC 6455 §5.2). */
const SIZES = [0, 1, 125, 126, 127, 1000, 65_535, 65_536, 300_000];

/** Collects what comes back; whoever waits hears of it where the connection closes first. */
class Echoes {
  private readonly messages: Uint8Array[] = [];
  private length = 0;
  private over: string | undefined;
  private wake = (): void => {};

  readonly message = (_: unknown, data: string | Uint8Array): void => {
    const bytes = Buffer.from(data as string);
    this.messages.push(bytes);
    this.length += bytes.length;
    this.wake();
  };

  readonly close = (_: unknown, code: number, reason: string): void => {
    this.over = `the connection closed with ${code} ${reason}`;
    this.wake();
  };

  async first(count: number): Promise<Uint8Array[]> {
    await this.until(() => this.messages.length >= count);
    return this.messages;
  }

  async bytes(length: number): Promise<Uint8Array> {
    await this.until(() => this.length >= length);
    return Buffer.concat(this.messages);
  }

  private async until(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) {
      if (this.over !== undefined) throw new Error(this.over);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

/** What our client is expected to do with any server: one file for each of them calls this. */
export function echoSuite(
  name: string,
  { url, deflateUrl, subprotocol, cuts = false, inTurn = false, options: all }: EchoServer,
): void {
  const variants: [title: string, compression: boolean | DeflateOptions][] = [
    ['uncompressed', false],
    ['compressed', { threshold: 0 }],
    ['compressed, with context takeover', { threshold: 0, takeover: true }],
  ];

  describe(`our client and ${name}`, () => {
    for (const [title, compression] of variants) {
      const open = async (t: Scope, options: ConnectOptions<unknown> = {}): Promise<ClientConnection<unknown>> => {
        const isPlain = compression === false;
        // Asked for, and not agreed on: that is a case of its own.
        const connection = await connect(isPlain ? url : (deflateUrl ?? url), {
          compression,
          subprotocols: subprotocol?.ask ?? [],
          ...all,
          ...options,
        });
        t.after(() => connection.terminate());
        assert.equal(connection.protocol, subprotocol?.get ?? '');
        assert.equal(connection.extensions.startsWith('permessage-deflate'), !isPlain && deflateUrl !== undefined);
        return connection;
      };

      test(`${title}: text and binary of every length${inTurn ? '' : ', many on their way at once'}`, async (t) => {
        // Where messages are cut, a character must not be, and what is binary may come back as text.
        const sent = SIZES.flatMap((size) =>
          cuts
            ? [Buffer.alloc(size, 'a'), Buffer.alloc(size, 'b')]
            : [Buffer.from('é'.repeat(size / 2)), randomBytes(size)],
        );
        const echoes = new Echoes();
        const connection = await open(t, { message: echoes.message, close: echoes.close });
        let length = 0;
        for (const [i, data] of sent.entries()) {
          connection.send(data, i % 2 === 0 ? 'text' : 'binary');
          length += data.length;
          if (cuts) await echoes.bytes(length);
          else if (inTurn) await echoes.first(i + 1);
        }
        if (cuts) assert.deepEqual(await echoes.bytes(length), Buffer.concat(sent));
        else assert.deepEqual(await echoes.first(sent.length), sent);
      });

      test(`${title}: in fragments, with pings between`, async (t) => {
        const echoes = new Echoes();
        let onPong!: (data: Uint8Array) => void;
        const pong = new Promise<Uint8Array>((resolve) => (onPong = resolve));
        const connection = await open(t, {
          message: echoes.message,
          close: echoes.close,
          pong: (_, data) => onPong(data),
        });
        const text = 'fragments of text. '.repeat(1000);
        connection.send(text, 'text', { fragmentSize: 999 });
        connection.ping('still there?');
        connection.send('after');
        if (cuts) assert.equal(String(Buffer.from(await echoes.bytes(text.length + 5))), `${text}after`);
        else assert.deepEqual((await echoes.first(2)).map(String), [text, 'after']);
        assert.equal(String(Buffer.from(await pong)), 'still there?');
      });

      test(`${title}: a closing handshake`, async (t) => {
        const closed = new Promise<unknown[]>((resolve, reject) => {
          open(t, { close: (_, ...how) => resolve(how) }).then(
            (connection) => connection.close(1000, 'enough'),
            reject,
          );
        });
        const [code, , wasClean] = await closed;
        assert.deepEqual([code, wasClean], [1000, true]);
      });
    }
  });
}
