import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import {
  connect,
  type InvalidMessageError,
  prepareMessage,
  type ServerConnection,
  type StandardSchema,
  TypedMessages,
  type TypedMessagesOptions,
  UsageError,
} from '@pulsebeacon/websocket';
import { type } from 'arktype';
import * as v from 'valibot';
import * as z from 'zod';
import type { RawClient } from '../support/raw-client.ts';
import { Log, serve } from '../support/servers.ts';

interface Move {
  readonly to: string;
  readonly steps: number;
}

const SCHEMAS: Readonly<Record<string, StandardSchema<Move>>> = {
  Zod: z.object({ to: z.string(), steps: z.coerce.number().int() }),
  Valibot: v.object({ to: v.string(), steps: v.pipe(v.unknown(), v.transform(Number), v.integer()) }),
  ArkType: type({ to: 'string', steps: 'number | string.numeric.parse' }) as StandardSchema<Move>,
};

/** A server that logs the values it gets. */
async function serveTyped(
  t: TestContext,
  options: TypedMessagesOptions<Move, unknown, ServerConnection>,
): Promise<{ readonly client: RawClient; readonly log: Log }> {
  const log = new Log();
  const messages = new TypedMessages<Move, unknown, ServerConnection>({
    message: (connection, value) => {
      log.add(JSON.stringify(value));
      messages.send(connection, { got: value.steps });
    },
    ...options,
  });
  const { message } = messages;
  const error = (_: ServerConnection, { cause }: Error): void => log.add(`error ${String(cause)}`);
  const { open } = await serve(t, { message, error });
  return { client: await open(), log };
}

for (const [library, schema] of Object.entries(SCHEMAS)) {
  describe(`a schema of ${library}`, () => {
    test('what is right comes as the schema makes it', async (t) => {
      const { client, log } = await serveTyped(t, { schema });
      client.sendText('{"to":"a1","steps":"3"}');
      assert.equal(await client.next(), String.raw`text "{\"got\":3}"`);
      assert.deepEqual(log.lines, ['{"to":"a1","steps":3}']);
    });

    test('what is not closes with 1007 and says where', async (t) => {
      const { client, log } = await serveTyped(t, { schema });
      client.sendText('{"to":1,"steps":3}');
      assert.match(await client.next(), /^close 1007 ".*\bto\b/);
      assert.deepEqual(log.lines, []);
    });
  });
}

describe('typed messages', () => {
  const schema = SCHEMAS['Zod']!;

  test('the close code is the application’s', async (t) => {
    const { client } = await serveTyped(t, { schema, invalid: 4400 });
    client.sendText('{}');
    assert.match(await client.next(), /^close 4400 /);
  });

  test('or is decided for each message, with all that is wrong; without one the connection goes on', async (t) => {
    const errors: InvalidMessageError[] = [];
    const invalid = (_: ServerConnection, error: InvalidMessageError): number | undefined => {
      errors.push(error);
      return errors.length < 3 ? undefined : 4001;
    };
    const { client, log } = await serveTyped(t, { schema, invalid });
    for (const text of ['{}', '{"to":', '{"to":"a","steps":1}', '[]']) client.sendText(text);
    assert.equal(await client.next(), String.raw`text "{\"got\":1}"`);
    assert.match(await client.next(), /^close 4001 /);
    assert.deepEqual(log.lines, ['{"to":"a","steps":1}']);
    const [empty, cut] = errors;
    assert.deepEqual(
      empty!.issues.map(({ path }) => path),
      [['to'], ['steps']],
    );
    assert.equal(empty!.code, 'PB_VALUE_INVALID');
    assert.deepEqual(cut!.issues, []);
    assert.ok(cut!.cause instanceof SyntaxError);
  });

  const deep = (depth: number): string => `${'['.repeat(depth)}"[\\"["${']'.repeat(depth)}`;
  const undecodable: [name: string, send: (client: RawClient) => void, reason: RegExp][] = [
    ['text that is no JSON', (client) => client.sendText('{'), /JSON/],
    ['a binary message', (client) => client.send({ opcode: 2, payload: Buffer.from('{}') }), /binary/],
    ['nested 33 deep', (client) => client.sendText(deep(33)), /nested more than 32 deep/],
    ['nested 100,000 deep', (client) => client.sendText('['.repeat(100_000)), /nested more than 32 deep/],
  ];
  for (const [name, send, reason] of undecodable) {
    test(`refused: ${name}`, async (t) => {
      const { client } = await serveTyped(t, {});
      send(client);
      const close = await client.next();
      assert.match(close, /^close 1007 /);
      assert.match(close, reason);
    });
  }

  test('brackets in strings do not nest; 32 deep is not too deep', async (t) => {
    const log = new Log();
    const { message } = new TypedMessages<unknown, unknown, ServerConnection>({
      message: (_, value) => log.add(JSON.stringify(value)),
    });
    const client = await (await serve(t, { message })).open();
    client.sendText(deep(32));
    await log.has(deep(32));
  });

  test('a reason that is too long is cut between characters', async (t) => {
    const message = `${'é'.repeat(61)}ü`;
    const refusing: StandardSchema<Move> = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message }] }) },
    };
    const { client } = await serveTyped(t, { schema: refusing });
    client.sendText('1');
    assert.equal(await client.next(), `close 1007 "${'é'.repeat(61)}"`);
  });

  test('an issue may say where in objects', async (t) => {
    const issues = [{ message: 'no', path: [{ key: 'a' }, 0] }, { message: 'neither' }];
    const refusing: StandardSchema<Move> = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) },
    };
    const { client } = await serveTyped(t, { schema: refusing });
    client.sendText('1');
    assert.equal(await client.next(), 'close 1007 "a.0: no; neither"');
  });

  test('a codec of one’s own, for bytes; borrowed messages too', async (t) => {
    const log = new Log();
    const numbers = new TypedMessages<number, number, ServerConnection>({
      codec: {
        encode: (value) => Uint8Array.of(value),
        decode: (data, kind) => {
          if (kind !== 'binary' || data.length !== 1) throw 'one byte';
          return data[0];
        },
      },
      message: (connection, value) => {
        log.add(String(value));
        numbers.send(connection, value + 1);
      },
    });
    const client = await (await serve(t, { message: numbers.message, receive: 'borrowed' })).open();
    client.send({ opcode: 2, payload: Uint8Array.of(7) });
    assert.equal(await client.next(), 'binary 08');
    client.sendText('7');
    assert.equal(await client.next(), 'close 1007 "one byte"');
    assert.deepEqual(log.lines, ['7']);
  });

  test('JSON of borrowed text', async (t) => {
    const log = new Log();
    const { message } = new TypedMessages<unknown, unknown, ServerConnection>({
      message: (_, value) => log.add(JSON.stringify(value)),
    });
    const client = await (await serve(t, { message, receive: 'borrowed' })).open();
    client.sendText('{"ä":1}');
    await log.has('{"ä":1}');
  });

  test('without a handler, messages are only checked', async (t) => {
    const { message } = new TypedMessages({ schema });
    const client = await (await serve(t, { message })).open();
    client.sendText('{"to":"a","steps":1}');
    client.sendText('{}');
    assert.match(await client.next(), /^close 1007/);
  });

  test('what is sent can be prepared for many', async (t) => {
    const messages = new TypedMessages<unknown, Move>();
    const prepared = prepareMessage(messages.encode({ to: 'all', steps: 1 }));
    const client = await (await serve(t, { open: (connection) => void connection.sendPrepared(prepared) })).open();
    assert.equal(await client.next(), String.raw`text "{\"to\":\"all\",\"steps\":1}"`);
  });

  test('misuse: what JSON has nothing for, and a close code that cannot be sent', () => {
    assert.throws(() => new TypedMessages().encode(undefined), /JSON has nothing for undefined/);
    assert.throws(
      () => new TypedMessages({ invalid: 1006 }),
      (error) => error instanceof UsageError && error.code === 'PB_CLOSE_CODE_INVALID',
    );
  });
});

describe('a schema that takes its time', () => {
  const schema = z.object({ to: z.string(), steps: z.number() }).refine(async ({ steps }) => steps < 10, 'too far');

  test('is for the loop: the next message waits for it', async (t) => {
    const log = new Log();
    const messages = new TypedMessages<Move, unknown, ServerConnection>({ schema, invalid: 4400 });
    const served = await serve(t, {
      open: async (connection) => {
        for await (const { steps } of messages.receive(connection)) log.add(`${steps}`);
        log.add('over');
      },
    });
    const client = await served.open();
    for (const steps of [1, 2, 10, 3]) client.sendText(JSON.stringify({ to: 'a', steps }));
    assert.equal(await client.next(), 'close 4400 "too far"');
    await log.has('over');
    assert.deepEqual(log.lines, ['1', '2', 'over']);
  });

  test('which may go on after a message that is not right, and has bytes too', async (t) => {
    const log = new Log();
    const messages = new TypedMessages<unknown, unknown, ServerConnection>({ invalid: () => {} });
    const served = await serve(t, {
      open: async (connection) => {
        for await (const value of messages.receive(connection)) log.add(JSON.stringify(value));
      },
    });
    const client = await served.open();
    client.send({ opcode: 2, payload: Uint8Array.of(1) });
    client.sendText('1');
    await log.has('1');
    assert.deepEqual(log.lines, ['1']);
  });

  test('fails the handler, for messages could overtake each other', async (t) => {
    const { client, log } = await serveTyped(t, { schema });
    client.sendText('{"to":"a","steps":11}');
    assert.match(await client.next(), /^close 1011/);
    assert.match(await log.has('error'), /the schema is asynchronous/);
  });
});

test('a client has them, too', async (t) => {
  const { target } = await serve(t, { open: (connection) => void connection.send('{"to":"you","steps":2}') });
  const messages = new TypedMessages<Move, Move>({ schema: SCHEMAS['Zod']! });
  const connection = await connect(`ws://127.0.0.1:${target}/`);
  t.after(() => connection.terminate());
  for await (const move of messages.receive(connection)) {
    assert.deepEqual(move, { to: 'you', steps: 2 });
    break;
  }
});
