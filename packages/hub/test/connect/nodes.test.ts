import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type Broker, type Hub, MemoryBroker } from '@pulsebeacon/hub';
import { DelayedBroker } from '../core/support/delayed-broker.ts';
import type { Message } from './support/feed.ts';
import { roundRobin } from './support/round-robin.ts';
import { messages, serve, Socket, Stream } from './support/site.ts';

const sessionKey = 'one key for the whole fleet';
const namespaces = [{ match: '*', publish: 'anyone', presence: true, history: { size: 100_000 } }] as const;

/** A way to follow the channel: it begins before the one before it ends, and goes on where that was. */
type Way = (follower: Follower) => Promise<() => Promise<void>>;

/** A client as an application would write it: it keeps its session and its position, and takes what comes. */
class Follower {
  readonly t: TestContext;
  readonly port: number;
  readonly heard: number[] = [];
  session: unknown;
  client: unknown;
  private position: unknown;

  constructor(t: TestContext, port: number) {
    this.t = t;
    this.port = port;
  }

  get hello(): object {
    return { versions: [1], ...(this.session === undefined ? {} : { session: this.session }) };
  }

  get subscribe(): object {
    const since = this.position === undefined ? {} : { since: this.position };
    return { type: 'subscribe', channel: 'news', ...since };
  }

  take(message: Message): void {
    switch (message.type) {
      case 'welcome':
        this.client ??= message['client'];
        assert.equal(message['client'], this.client);
        this.session = message['session'];
        break;
      case 'subscribed':
        assert.equal(message['recovered'], true);
        this.position ??= message['position'];
        break;
      case 'publication':
        this.heard.push(message['data'] as number);
        this.position = message['position'];
        break;
      case 'heartbeat':
        break;
      default:
        assert.fail(JSON.stringify(message));
    }
  }
}

/** Takes messages until so many publications have come. */
async function takeSome(follower: Follower, next: () => Promise<Message>, count = 5): Promise<void> {
  for (const enough = follower.heard.length + count; follower.heard.length < enough; ) follower.take(await next());
}

const websocket: Way = async (follower) => {
  const { t, port, hello, subscribe } = follower;
  const socket = await Socket.open(t, port);
  socket.send({ type: 'hello', ...hello }, subscribe);
  await takeSome(follower, () => socket.feed.next());
  return () => socket.close();
};

const stream =
  (kind: 'sse' | 'ndjson'): Way =>
  async (follower) => {
    const { t, port, hello, subscribe } = follower;
    const opened = await Stream.open(t, port, kind, { hello, commands: [subscribe] });
    await takeSome(follower, () => opened.feed.next());
    return () => opened.close();
  };

const poll: Way = async (follower) => {
  const { port, hello, subscribe } = follower;
  const body = { hello, commands: [subscribe] };
  for (const message of await messages(port, body, { query: '?wait=20' })) follower.take(message);
  return () => Promise.resolve();
};

/** Publishes a number after the other, at one node and the other in turn, and looks who is present. */
class Publisher {
  published = 0;
  readonly members: unknown[] = [];
  private readonly hubs: readonly Hub[];
  private isOver = false;
  private readonly done: Promise<void>;

  constructor(hubs: readonly Hub[]) {
    this.hubs = hubs;
    this.done = this.run();
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.done;
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      const hub = this.hubs[this.published % this.hubs.length]!;
      await hub.channel('news').publish(this.published++);
      this.members.push(await hub.members('news'));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** A broker at the other end of a network: everything takes it turns of the event loop. */
function distantBroker(t: TestContext): Broker {
  const broker = new DelayedBroker();
  let next = setImmediate(function step() {
    for (let left = broker.steps.length; left > 0; left--) broker.step();
    next = setImmediate(step);
  });
  t.after(() => clearImmediate(next));
  return broker;
}

const BROKERS: Readonly<Record<string, (t: TestContext) => Broker>> = {
  'in memory': () => new MemoryBroker(),
  'far away': distantBroker,
};

for (const [where, open] of Object.entries(BROKERS)) {
  test(`a client that changes transport and node all the time hears everything once, in order, and is there throughout: the broker is ${where}`, async (t) => {
    const broker = open(t);
    const sites = [
      await serve(t, { broker, sessionKey, namespaces }),
      await serve(t, { broker, sessionKey, namespaces }),
    ];
    const port = await roundRobin(
      t,
      sites.map((site) => site.port),
    );
    const follower = new Follower(t, port);
    // The first way is there before anything is published: from then on it is one member.
    const first = await Socket.open(t, port);
    first.send({ type: 'hello', ...follower.hello }, follower.subscribe);
    follower.take(await first.feed.next('welcome'));
    follower.take(await first.feed.next('subscribed'));
    // It counts as present once the broker knows.
    while ((await sites[0]!.hub.members('news')).length === 0) await new Promise((resolve) => setImmediate(resolve));
    let leave = (): Promise<void> => first.close();

    const publisher = new Publisher(sites.map(({ hub }) => hub));
    const ways: Way[] = [
      poll,
      stream('sse'),
      poll,
      poll,
      stream('ndjson'),
      websocket,
      stream('ndjson'),
      websocket,
      poll,
    ];
    // An odd number of ways: with each round, each comes to the other node.
    for (let hop = 0; hop < 4 * ways.length; hop++) {
      const leaveBefore = leave;
      leave = await ways[hop % ways.length]!(follower);
      await leaveBefore();
    }
    await publisher.stop();
    while (follower.heard.length < publisher.published) {
      const leaveBefore = leave;
      leave = await poll(follower);
      await leaveBefore();
    }

    assert.deepEqual(
      follower.heard,
      Array.from({ length: publisher.published }, (_, number) => number),
    );
    const one = JSON.stringify([{ client: follower.client }]);
    assert.deepEqual([...new Set(publisher.members.map((members) => JSON.stringify(members)))], [one]);
    for (const { hub } of sites) {
      const { accepted, recovered, notRecovered } = hub.counts();
      assert.ok(accepted >= 15, `one node had ${accepted} of the connections`);
      assert.ok(recovered >= 15);
      assert.equal(notRecovered, 0);
    }
  });
}

test('what is published by POST at one node, or twice at two, is heard once by who follows at the other', async (t) => {
  const broker = new MemoryBroker();
  t.after(() => broker.close());
  const one = await serve(t, { broker, sessionKey, namespaces });
  const other = await serve(t, { broker, sessionKey, namespaces });
  const { socket, welcome } = await Socket.enter(t, one.port);
  await socket.ask({ type: 'subscribe', channel: 'news' });
  const body = {
    hello: { versions: [1], session: welcome['session'] },
    commands: [{ type: 'publish', id: 1, channel: 'news', data: 'once', idempotencyKey: 'k1' }],
  };
  const [, first] = await messages(other.port, body);
  const [, second] = await messages(one.port, body);
  assert.deepEqual([first!['duplicate'], second!['duplicate']], [false, true]);
  assert.equal(first!['position'], second!['position']);
  await other.hub.channel('news').publish('end');
  const heard = await socket.feed.take(2, 'publication');
  assert.deepEqual(
    heard.map(({ data }) => data),
    ['once', 'end'],
  );
});
