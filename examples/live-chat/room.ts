import type { Beacon, Publication } from '@pulsebeacon/client';

/** What a component shows of a channel. It is never changed: another takes its place. */
export interface Room<T> {
  /** The newest, in their order. */
  readonly publications: readonly Publication<T>[];
  /** How many follow the channel; undefined until that is known. */
  readonly present: number | undefined;
  readonly error: Error | undefined;
}

export const EMPTY: Room<never> = { publications: [], present: undefined, error: undefined };

/** So many are kept. */
const KEPT = 100;

/** Follows a channel, and tells how it is now, and each time that changes. @returns ends that */
export function follow<T>(beacon: Beacon, name: string, onChange: (room: Room<T>) => void): () => void {
  const channel = beacon.channel<T>(name);
  const members = new Set<string>();
  let room: Room<T> = EMPTY;
  let isOver = false;

  const change = (part: Partial<Room<T>>): void => {
    room = { ...room, ...part };
    if (!isOver) onChange(room);
  };
  const fail = (error: Error): void => change({ error });
  const count = (): void => change({ present: members.size });
  // What came live while they were asked for may be among them.
  const add = (older: readonly Publication<T>[], newer: readonly Publication<T>[]): void => {
    const known = new Set(older.map(({ position }) => position));
    const all = [...older, ...newer.filter(({ position }) => !known.has(position))];
    change({ publications: all.slice(-KEPT) });
  };
  const askHistory = async (): Promise<void> => {
    const { publications } = await channel.history({ since: '10m' });
    add(publications, room.publications);
  };
  const askPresence = async (): Promise<void> => {
    const now = await channel.presence();
    members.clear();
    for (const { client } of now) members.add(client);
    count();
  };
  const askAll = (): void => {
    Promise.all([askHistory(), askPresence()]).catch(fail);
  };

  onChange(room);
  const { ready, unsubscribe } = channel.subscribe((publication) => add(room.publications, [publication]));
  ready.then(askAll, fail);
  const ends = [
    unsubscribe,
    channel.on('join', ({ client }) => {
      members.add(client);
      count();
    }),
    channel.on('leave', ({ client }) => {
      members.delete(client);
      count();
    }),
    channel.on('notRecovered', askAll),
    // Publications that were missed are made up for, comings and goings are not.
    beacon.on('statechange', ({ state }) => void (state === 'online' && askPresence().catch(fail))),
  ];
  return () => {
    isOver = true;
    for (const end of ends) end();
  };
}
