import type { Beacon, Published } from '@pulsebeacon/client';
import { useCallback, useEffect, useState } from 'react';
import { EMPTY, follow, type Room } from '../room.ts';

/** Follows a channel for as long as the component is there. */
export function useChannel<T>(
  beacon: Beacon,
  name: string,
): Room<T> & { readonly publish: (data: T) => Promise<Published> } {
  const [room, setRoom] = useState<Room<T>>(EMPTY);
  useEffect(() => follow(beacon, name, setRoom), [beacon, name]);
  const publish = useCallback((data: T) => beacon.channel<T>(name).publish(data), [beacon, name]);
  return { ...room, publish };
}
