import type { Beacon, Published } from '@pulsebeacon/client';
import { type Readable, readable } from 'svelte/store';
import { EMPTY, follow, type Room } from '../room.ts';

/** A store that follows a channel for as long as somebody subscribes to it. */
export function channelStore<T>(
  beacon: Beacon,
  name: string,
): Readable<Room<T>> & { readonly publish: (data: T) => Promise<Published> } {
  const { subscribe } = readable<Room<T>>(EMPTY, (set) => follow(beacon, name, set));
  return { subscribe, publish: (data) => beacon.channel<T>(name).publish(data) };
}
