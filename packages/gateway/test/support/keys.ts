import type { Action } from '@pulsebeacon/hub';
import { ChannelPattern } from '@pulsebeacon/wire';
import { Key, type KeyRing } from '#dist/keys/key-ring.js';

/** The key of this text, if it holds. */
export function findKey(ring: KeyRing, text: string): Key | undefined {
  const found = ring.check(text);
  return found instanceof Key ? found : undefined;
}

/** Whether what a key grants in the hub lets its holder do something in a channel. */
export function may(key: Key, action: Action, channel: string): boolean {
  const reaches = (text: string): boolean => new ChannelPattern(text).matches(channel);
  return key.grants.some(({ actions, channels }) => actions.includes(action) && channels.some(reaches));
}
