// requires: squid
// Channels by every transport, from a network that lets its users out by squid with a password alone. WebSockets go through a
// tunnel; ordinary requests squid forwards itself, and could hold their answers back.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, describe, test, type TestContext } from 'node:test';
import type { PublicationMessage } from '@pulsebeacon/wire';
import { ACCOUNT } from '../support/accounts.ts';
import { startServe } from '../support/served.ts';
import { startSquid } from '../support/squid.ts';
import { followSocket, type Messages, messagesOf } from './channels-behind-proxy.ts';

const [served, squid] = await Promise.all([startServe({ after }), startSquid({ after }, ['basic'])]);
const login = `${ACCOUNT.username}:${ACCOUNT.password}`;
const channel = (path: string): string => `http://127.0.0.1:${served.port}/channels/${path}`;

/** A request as it is sent to a proxy (RFC 9112 §3.2.2). */
async function ask(url: string, more: Record<string, string> = {}, body?: string): Promise<IncomingMessage> {
  const headers = { 'Proxy-Authorization': `Basic ${Buffer.from(login).toString('base64')}`, ...more };
  const method = body === undefined ? 'GET' : 'POST';
  const asked = request({ host: '127.0.0.1', port: squid, path: url, method, headers, agent: false });
  asked.end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return answer;
}

async function publish(name: string, data: string): Promise<string> {
  const answer = await ask(channel(name), { Authorization: `Bearer ${served.key}` }, data);
  assert.equal(answer.statusCode, 201);
  return (JSON.parse(await text(answer)) as { position: string }).position;
}

async function follow(t: TestContext, url: string): Promise<Messages> {
  const answer = await ask(url);
  assert.equal(answer.statusCode, 200);
  assert.match(answer.headers.via ?? '', /squid/);
  t.after(() => answer.destroy());
  return messagesOf(answer.setEncoding('utf8'), answer.headers['content-type'] ?? '', () => answer.destroy());
}

describe('channels through squid', () => {
  test('WebSocket: publications arrive', async (t) => {
    const proxy = `http://${ACCOUNT.username}:${encodeURIComponent(ACCOUNT.password)}@127.0.0.1:${squid}`;
    const messages = await followSocket(t, channel('socket').replace('http', 'ws'), proxy);
    assert.equal((await messages.next()).type, 'subscribed');
    await publish('socket', 'one');
    assert.equal((await messages.publication()).data, 'one');
  });

  for (const form of ['sse', 'ndjson']) {
    test(`${form}: each message arrives when it is sent`, async (t) => {
      const messages = await follow(t, channel(`${form}?follow&as=${form}`));
      assert.equal((await messages.next()).type, 'subscribed');
      for (const data of ['one', 'two']) {
        await publish(form, data);
        assert.equal((await messages.publication()).data, data);
      }
    });
  }

  test('long poll: waits for the next publication', async () => {
    const waiting = ask(channel(`poll?wait=20&since=${await publish('poll', 'one')}`));
    await publish('poll', 'two');
    const { publications } = JSON.parse(await text(await waiting)) as { publications: PublicationMessage[] };
    assert.deepEqual(
      publications.map(({ data }) => data),
      ['two'],
    );
  });
});
