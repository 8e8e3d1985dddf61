// /demo/cursors: wires its parts together.
import { Beacon, type Channel, type Member } from '@pulsebeacon/client';
import { byId } from '../shared/dom.js';
import { count } from '../shared/format.js';
import { Field } from './cursors/field.ts';
import type { Place } from './cursors/pointer.ts';
import { NewestSender } from './cursors/sender.ts';
import { Key, wantsKey } from './key.ts';
import { showLink } from './link.ts';
import { readLooks, readObject, Visitor } from './visitor.ts';

const CHANNEL = 'demo:cursors';
/** Those who are there do not all answer at once to whoever comes. */
const ANSWER_WITHIN_MS = 300;

const visitor = new Visitor();
const key = new Key(() => connect());
const here = new Set<string>();
const sums = { moves: 0, sent: 0, received: 0 };
let beacon: Beacon | undefined;
let channel: Channel | undefined;
let endLink = (): void => {};

const field = new Field(visitor, {
  onMoved(place, rings) {
    sums.moves++;
    sender.put({ place, rings });
    showSums();
  },
});

const sender = new NewestSender<{ readonly place: Place; readonly rings: boolean }>(async ({ place, rings }) => {
  const client = beacon?.client;
  // What waits would be old.
  if (channel === undefined || client === undefined || beacon?.state !== 'online') return;
  const { name, colour } = visitor;
  try {
    await channel.publish({ client, name, colour, ...place, rings }, { key: client });
    sums.sent++;
    showSums();
  } catch (error) {
    if (wantsKey(error)) key.ask(true);
  }
});

function connect(): void {
  key.ask(false);
  endLink();
  beacon?.close();
  const own = new Beacon('/', key.options);
  beacon = own;
  endLink = showLink(own);
  channel = own.channel(CHANNEL);
  channel.on('join', ({ client }: Member) => {
    here.add(client);
    showHere();
    if (client !== own.client) setTimeout(sayPlace, Math.random() * ANSWER_WITHIN_MS);
  });
  channel.on('leave', ({ client }: Member) => {
    here.delete(client);
    field.hide(client);
    showHere();
  });
  channel.on('error', (error) => {
    if (wantsKey(error)) key.ask(true);
  });
  channel.subscribe({ echo: false, onPublication: ({ data }) => onPlace(readObject(data)) });
  own.on('statechange', ({ state, error }) => {
    if (wantsKey(error)) key.ask(true);
    if (state !== 'online') return;
    sayPlace();
    void askWhoIsHere();
  });
}

/** Those who came and went while this page was away were not told. */
async function askWhoIsHere(): Promise<void> {
  try {
    const members = await channel!.presence();
    here.clear();
    for (const { client } of members) here.add(client);
    field.keepOnly(here);
    showHere();
  } catch {
    // Closed to this page: pointers are all that it knows.
  }
}

function onPlace(data: Readonly<Record<string, unknown>>): void {
  const { client, x, y, rings } = data;
  if (typeof client !== 'string' || !isPart(x) || !isPart(y)) return;
  sums.received++;
  field.show(client, readLooks(data), { x, y }, rings === true);
  showSums();
}

function sayPlace(): void {
  if (field.place !== undefined) sender.put({ place: field.place, rings: false });
}

function showHere(): void {
  byId('people-count', HTMLElement).textContent = count(here.size);
}

function showSums(): void {
  for (const [name, value] of Object.entries(sums)) byId(name, HTMLElement).textContent = count(value);
}

const isPart = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;

visitor.edit(() => {
  field.look(visitor);
  sayPlace();
});
connect();
