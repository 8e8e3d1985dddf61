import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test, type TestContext } from 'node:test';
import { Hub } from '@pulsebeacon/hub';
import { connect } from '@pulsebeacon/websocket';
import {
  LineParser,
  type PublicationMessage,
  readServerMessage,
  type ServerMessage,
  SseParser,
} from '@pulsebeacon/wire';
import type { StartProxy } from '../support/proxy.ts';
import { type Served, startServe } from '../support/served.ts';

const IDLE_SECONDS = 2;

/** Channels through a reverse proxy: every transport as without one, and whoever has no key is told so. */
export function channelsBehindProxy(name: string, start: StartProxy): void {
  describe(`channels behind ${name}`, () => {
    const ends: (() => unknown)[] = [];
    let served: Served;
    let base: string;
    before(async () => {
      const scope = { after: (end: () => unknown) => void ends.unshift(end) };
      served = await startServe(scope);
      base = `127.0.0.1:${await start(scope, served.port)}`;
    });
    after(async () => {
      for (const end of ends) await end();
    });

    const channel = (path: string): string => `http://${base}/channels/${path}`;

    async function publish(channelName: string, data: string): Promise<string> {
      const headers = { Authorization: `Bearer ${served.key}` };
      const answer = await fetch(channel(channelName), { method: 'POST', body: data, headers });
      assert.equal(answer.status, 201, await answer.clone().text());
      return ((await answer.json()) as { position: string }).position;
    }

    test('WebSocket: publications arrive, and what was missed is recovered', async (t) => {
      const first = await followSocket(t, `ws://${base}/channels/socket`);
      assert.equal((await first.next()).type, 'subscribed');
      await publish('socket', 'one');
      const { position, data } = await first.publication();
      assert.equal(data, 'one');
      first.end();
      await publish('socket', 'two');
      const second = await followSocket(t, `ws://${base}/channels/socket?since=${position}`);
      const subscribed = await second.next();
      assert.ok(subscribed.type === 'subscribed' && subscribed.recovered);
      assert.equal((await second.publication()).data, 'two');
    });

    for (const form of ['sse', 'ndjson'] as const) {
      test(`${form}: each message arrives when it is sent, and what was missed is recovered`, async (t) => {
        const first = await followStream(t, channel(`${form}?follow&as=${form}`));
        // It comes before anything else is sent: nothing on the way waits for more.
        assert.equal((await first.next()).type, 'subscribed');
        for (const data of ['one', 'two']) {
          await publish(form, data);
          assert.equal((await first.publication()).data, data);
        }
        first.end();
        const missed = ['three', 'four', 'five'];
        for (const data of missed) await publish(form, data);
        const headers = { 'Last-Event-ID': first.position };
        const second = await followStream(t, channel(`${form}?follow&as=${form}`), headers);
        const subscribed = await second.next();
        assert.ok(subscribed.type === 'subscribed' && subscribed.recovered);
        for (const data of missed) assert.equal((await second.publication()).data, data);
      });
    }

    test('long poll: waits for the next publication, and goes on where it was', async () => {
      let position = await publish('poll', 'one');
      for (const data of ['two', 'three']) {
        const waiting = fetch(channel(`poll?wait=20&since=${position}`));
        await publish('poll', data);
        const answer = (await (await waiting).json()) as { publications: PublicationMessage[]; position: string };
        assert.deepEqual(
          answer.publications.map((publication) => publication.data),
          [data],
        );
        position = answer.position;
      }
      const nothing = await fetch(channel(`poll?wait=1&since=${position}`));
      assert.equal(nothing.status, 204);
      assert.equal(nothing.headers.get('pulse-position'), position);
    });

    test('history, and the newest', async () => {
      await publish('history', 'one');
      await publish('history', 'two');
      const all = (await (await fetch(channel('history'))).json()) as { publications: PublicationMessage[] };
      assert.deepEqual(
        all.publications.map(({ data }) => data),
        ['one', 'two'],
      );
      const last = await fetch(channel('history?last'));
      assert.equal(await last.text(), 'two');
      assert.equal(
        (await fetch(channel('history'), { headers: { 'If-None-Match': last.headers.get('etag') ?? '' } })).status,
        200,
      );
    });

    test('whoever publishes without a key is refused, and told what to do', async () => {
      await refusesWithoutKey(channel('refused'));
    });

    test('a page of another origin may not publish', async () => {
      const headers = { Origin: 'https://evil.example', Authorization: `Bearer ${served.key}` };
      const answer = await fetch(channel('refused'), { method: 'POST', body: 'x', headers });
      assert.equal(answer.status, 403);
      assert.equal(((await answer.json()) as { code: string }).code, 'PB_ORIGIN_FORBIDDEN');
    });

    test(`streams outlive the ${IDLE_SECONDS} s of silence that the proxy allows`, async (t) => {
      const hub = new Hub({ limits: { keepAlive: 400 }, namespaces: [{ match: '*', publish: 'anyone' }] });
      const server = createServer();
      hub.attach(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(async () => {
        await hub.close();
        server.closeAllConnections();
        server.close();
      });
      const port = await start(t, (server.address() as AddressInfo).port, { idle: `${IDLE_SECONDS}s` });
      const streams = await Promise.all([
        followStream(t, `http://127.0.0.1:${port}/channels/idle?as=sse`),
        followStream(t, `http://127.0.0.1:${port}/channels/idle?follow`),
        followSocket(t, `ws://127.0.0.1:${port}/channels/idle`),
      ]);
      for (const stream of streams) assert.equal((await stream.next()).type, 'subscribed');
      // The heartbeats of one stream are the clock: so many are more than twice that silence.
      for (let beats = 0; beats < 12; beats++) assert.equal((await streams[1]!.next()).type, 'heartbeat');
      await hub.channel('idle').publish('still here');
      for (const stream of streams) assert.equal((await stream.publication()).data, 'still here');
    });
  });
}

/** Nobody who came through a proxy counts as somebody on this machine. */
export async function refusesWithoutKey(url: string): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body: 'x' });
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  const { code, detail } = (await answer.json()) as { code: string; detail: string };
  assert.equal(code, 'PB_UNAUTHENTICATED');
  assert.match(detail, /^credentials are needed to publish in refused: .*not through a proxy; pulsebeacon keys create/);
}

/** Messages as they come, whatever they come by. */
export class Messages {
  /** Of the last publication. */
  position = '';
  private readonly iterator: AsyncIterator<string>;
  private readonly stop: () => void;

  constructor(texts: AsyncIterable<string>, stop: () => void) {
    this.iterator = texts[Symbol.asyncIterator]();
    this.stop = stop;
  }

  async next(): Promise<ServerMessage> {
    const { value, done } = await this.iterator.next();
    if (done) throw new Error('it ended');
    const message = readServerMessage(value as string)!;
    if (message.type === 'publication') this.position = message.position;
    return message;
  }

  /** The next one, past heartbeats. */
  async publication(): Promise<PublicationMessage> {
    for (;;) {
      const message = await this.next();
      if (message.type === 'publication') return message;
      assert.equal(message.type, 'heartbeat');
    }
  }

  end(): void {
    this.stop();
  }
}

export async function followStream(
  t: TestContext,
  url: string,
  headers: Record<string, string> = {},
): Promise<Messages> {
  const abort = new AbortController();
  t.after(() => abort.abort());
  const answer = await fetch(url, { headers, signal: abort.signal });
  assert.equal(answer.status, 200);
  const text = answer.body!.pipeThrough(new TextDecoderStream());
  return messagesOf(text, answer.headers.get('content-type') ?? '', () => abort.abort());
}

/** @param type of the content: Server-Sent Events, or lines @param stop ends it */
export function messagesOf(stream: AsyncIterable<string>, type: string, stop: () => void): Messages {
  const parser = type === 'text/event-stream' ? new SseParser() : new LineParser();
  async function* texts(): AsyncGenerator<string> {
    for await (const text of stream) {
      for (const item of parser.push(text)) yield typeof item === 'string' ? item : item.data;
    }
  }
  return new Messages(texts(), stop);
}

export async function followSocket(t: TestContext, url: string, proxy?: string): Promise<Messages> {
  const subprotocol = { subprotocols: ['pulsebeacon.json'], requireSubprotocol: true };
  const connection = await connect(url, proxy === undefined ? subprotocol : { ...subprotocol, proxy });
  const messages = connection.messages();
  t.after(() => connection.terminate());
  async function* texts(): AsyncGenerator<string> {
    for await (const message of messages) yield String(message);
  }
  return new Messages(texts(), () => connection.terminate());
}
