// The program is killed in mid-publish, again and again, under publishers that repeat what was not acknowledged and
// followers that come back to where they were. The ledger of both shows that nothing was lost, doubled or out of order.
// slow: kills the program again and again
import assert from 'node:assert/strict';
import { Agent, type IncomingMessage, request } from 'node:http';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { connect } from '@pulsebeacon/websocket';
import { LineParser, type PublicationMessage, readServerMessage, SseParser } from '@pulsebeacon/wire';
import { temporaryFolder } from '../support/cleanup.ts';
import { KillableServer } from '../support/killable.ts';
import { Random } from '../support/random.ts';

const KILLS = 50;
const PUBLISHERS = 8;
const CONFIG = `namespaces:
  - match: ledger
    history: { size: 1000000, age: 3600s }
`;

/** Publishes numbers until it is told to stop, each until it is acknowledged: with the same key, however often. */
class Publishers {
  readonly acknowledged: number[] = [];
  repeated = 0;
  private readonly server: KillableServer;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: PUBLISHERS });
  private next = 0;
  private isStopped = false;
  private wake = (): void => {};
  private readonly done: Promise<void[]>;

  constructor(server: KillableServer) {
    this.server = server;
    this.done = Promise.all(Array.from({ length: PUBLISHERS }, () => this.run()));
  }

  async reach(count: number): Promise<void> {
    while (this.acknowledged.length < count) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.done;
    this.agent.destroy();
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      const number = this.next++;
      while (!(await this.publish(number))) {
        this.repeated++;
        await this.server.isThere;
      }
      this.acknowledged.push(number);
      this.wake();
    }
  }

  /** @returns whether it was acknowledged */
  private async publish(number: number): Promise<boolean> {
    const { agent } = this;
    const headers = { 'Content-Type': 'text/plain', 'Idempotency-Key': String(number) };
    const options = {
      agent,
      port: this.server.port,
      host: '127.0.0.1',
      path: '/channels/ledger',
      method: 'POST',
      headers,
    };
    const outgoing = request(options);
    try {
      outgoing.end(String(number));
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      const body = await text(response);
      assert.equal(response.statusCode, 201, body);
      return true;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return false;
    }
  }
}

/** Somebody who follows the channel by one transport, and comes back to where it was. */
class Follower {
  readonly name: string;
  readonly received: number[] = [];
  returns = -1;
  private position: string | undefined;
  private wake = (): void => {};
  private isStopped = false;

  constructor(
    name: string,
    server: KillableServer,
    follow: (follower: Follower, port: number, since: string) => Promise<void>,
  ) {
    this.name = name;
    void this.run(server, follow);
  }

  take(message: Pick<PublicationMessage, 'position' | 'data'>): void {
    if (this.isStopped) return;
    this.position = message.position;
    this.received.push(Number(message.data));
    this.wake();
  }

  /** Of anything but a publication: only what was not recovered would be a loss. */
  note(message: { readonly type: string; readonly recovered?: boolean }): void {
    assert.notEqual(message.recovered, false, `${this.name} was not recovered`);
  }

  async reach(count: number): Promise<void> {
    while (this.received.length < count) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  stop(): void {
    this.isStopped = true;
  }

  private async run(
    server: KillableServer,
    follow: (follower: Follower, port: number, since: string) => Promise<void>,
  ): Promise<void> {
    while (!this.isStopped) {
      await server.isThere;
      this.returns++;
      await follow(this, server.port, this.position ?? 'all').catch((error: unknown) => {
        // Of a server that ends, a poll that was under way may be told so.
        if (error instanceof assert.AssertionError && !this.isStopped) throw error;
      });
    }
  }
}

const url = (port: number, query: string): string => `http://127.0.0.1:${port}/channels/ledger?${query}`;

function takeMessage(follower: Follower, json: string): void {
  const message = readServerMessage(json)!;
  if (message.type === 'publication') follower.take(message);
  else follower.note(message);
}

async function followWebSocket(follower: Follower, port: number, since: string): Promise<void> {
  const socket = url(port, `since=${since}`).replace('http', 'ws');
  const connection = await connect(socket, { subprotocols: ['pulsebeacon.json'] });
  for await (const message of connection.messages()) takeMessage(follower, message as string);
}

async function followLines(follower: Follower, port: number, since: string): Promise<void> {
  const { body } = await fetch(url(port, `as=ndjson&since=${since}`));
  const parser = new LineParser();
  const decoder = new TextDecoder();
  for await (const chunk of body!) {
    for (const line of parser.push(decoder.decode(chunk as Uint8Array, { stream: true }))) takeMessage(follower, line);
  }
}

async function followEvents(follower: Follower, port: number, since: string): Promise<void> {
  const { body } = await fetch(url(port, 'as=sse&since=all'), {
    headers: since === 'all' ? {} : { 'Last-Event-ID': since },
  });
  const parser = new SseParser();
  const decoder = new TextDecoder();
  for await (const chunk of body!) {
    for (const { data } of parser.push(decoder.decode(chunk as Uint8Array, { stream: true })))
      takeMessage(follower, data);
  }
}

async function followPolls(follower: Follower, port: number, since: string): Promise<void> {
  const answer = await fetch(url(port, `wait=25&since=${since}`));
  if (answer.status === 204) return;
  assert.equal(answer.status, 200, answer.status === 200 ? '' : await answer.text());
  const { recovered, publications } = (await answer.json()) as {
    recovered: boolean;
    publications: PublicationMessage[];
  };
  follower.note({ type: 'subscribed', recovered });
  for (const publication of publications) follower.take(publication);
}

test(`kill -9 in mid-publish, ${KILLS} times: every publication reaches every follower once and in order`, async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(path.join(folder, 'ledger.yaml'), CONFIG);
  const args = ['--config', path.join(folder, 'ledger.yaml'), '--data', path.join(folder, 'data')];
  const server = new KillableServer(t, [...args, '--message-rate', 'off', '--handshake-rate', 'off']);
  await server.start();
  const publishers = new Publishers(server);
  const followers = [
    new Follower('websocket', server, followWebSocket),
    new Follower('ndjson', server, followLines),
    new Follower('sse', server, followEvents),
    new Follower('poll', server, followPolls),
  ];
  t.after(() => followers.forEach((follower) => follower.stop()));
  const random = new Random(50);
  for (let kill = 0; kill < KILLS; kill++) {
    await publishers.reach(publishers.acknowledged.length + random.between(20, 200));
    await server.killAndStart();
  }
  await publishers.stop();
  const { acknowledged, repeated } = publishers;
  const published = [...acknowledged].sort((a, b) => a - b);
  await Promise.all(followers.map((follower) => follower.reach(published.length)));
  const [{ received: order }] = followers as [Follower];
  for (const { name, received } of followers) {
    assert.deepEqual(
      [...received].sort((a, b) => a - b),
      published,
      `${name}: each once`,
    );
    assert.deepEqual(received, order, `${name}: in the same order`);
  }
  for (const follower of followers) follower.stop();
  const returns = followers.map(({ name, returns: count }) => `${name} ${count}`).join(', ');
  t.diagnostic(
    `${KILLS} kills: ${published.length} publications acknowledged, ${repeated} attempts repeated; ` +
      `${followers.length} followers received all of them, once and in the same order; came back: ${returns}`,
  );
});
