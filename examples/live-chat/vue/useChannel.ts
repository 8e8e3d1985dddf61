import type { Beacon, Published } from '@pulsebeacon/client';
import { type MaybeRefOrGetter, type ShallowRef, shallowRef, toValue, watchEffect } from 'vue';
import { EMPTY, follow, type Room } from '../room.ts';

/** Follows a channel for as long as the component is there. */
export function useChannel<T>(
  beacon: Beacon,
  name: MaybeRefOrGetter<string>,
): { readonly room: Readonly<ShallowRef<Room<T>>>; readonly publish: (data: T) => Promise<Published> } {
  const room = shallowRef<Room<T>>(EMPTY);
  watchEffect((onCleanup) => onCleanup(follow<T>(beacon, toValue(name), (now) => (room.value = now))));
  return { room, publish: (data) => beacon.channel<T>(toValue(name)).publish(data) };
}
