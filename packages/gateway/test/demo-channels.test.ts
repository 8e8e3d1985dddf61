import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ChannelRules, Hub } from '@pulsebeacon/hub';
import { withDemoChannels } from '#dist/demos/channels.js';
import { DEFAULT_NAMESPACE, type NamespaceSettings } from '#dist/settings.js';

const all: NamespaceSettings = { ...DEFAULT_NAMESPACE, maxMessageSize: 65_536 };

const rulesOf = (name: string, ...own: readonly NamespaceSettings[]): ChannelRules =>
  new Hub({ namespaces: withDemoChannels([...own, all]) }).rulesOf(name);

describe('the channels of the demonstrations', () => {
  it('keep what their pages need, and know who is there', () => {
    const { presence, joinLeave, retention, subscribe, publish } = rulesOf('demo:chat');
    assert.deepEqual([presence, joinLeave, retention.size, subscribe, publish], [true, true, 300, 'anyone', 'granted']);
    assert.deepEqual([rulesOf('demo:cursors').slowConsumer, rulesOf('demo:cursors').retention.size], ['conflate', 0]);
    assert.equal(rulesOf('demo:break:7').retention.size, 3000);
  });

  it('open nothing to anybody: who may do what is as the settings say', () => {
    const closed: NamespaceSettings = {
      ...all,
      match: 'demo:*',
      subscribe: 'granted',
      publish: 'nobody',
      maxMessageSize: 100,
    };
    const { presence, subscribe, publish, maxMessageSize } = rulesOf('demo:chat:names', closed);
    assert.deepEqual([presence, subscribe, publish, maxMessageSize], [false, 'granted', 'nobody', 100]);
    assert.equal(rulesOf('demo:break:1', { ...all, match: 'demo:*', subscribe: 'nobody' }).subscribe, 'nobody');
  });

  it('have the rules of the settings where these name them', () => {
    const own: NamespaceSettings = { ...all, match: 'demo:chat', history: { size: 7, ageMs: 1000 } };
    const { presence, retention } = rulesOf('demo:chat', own);
    assert.deepEqual([presence, retention.size], [false, 7]);
    assert.equal(rulesOf('demo:break:3', { ...all, match: 'demo:break:3', rate: 9 }).rate, 9);
  });

  it('leave all others alone', () => {
    assert.equal(rulesOf('demo').presence, false);
    assert.equal(rulesOf('demo:chats').presence, false);
    assert.equal(rulesOf('news').maxMessageSize, 65_536);
  });
});
