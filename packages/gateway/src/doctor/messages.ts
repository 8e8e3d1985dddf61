import { randomBytes } from 'node:crypto';
import { EXTENSIONS_LOST, FRAGMENTS, FRAMES_SWALLOWED, LARGE_MESSAGES, SUBPROTOCOL_LOST } from './advice.ts';
import { fail, ok, type Outcome, skip, warn } from './check.ts';
import { ms } from './duration.ts';
import { type ProbeSocket, WANTED_SUBPROTOCOL } from './websocket.ts';

const LARGE = 60 * 1024;
const FRAGMENT = 1000;

export function checkSubprotocol({ connection: { protocol } }: ProbeSocket): Outcome {
  if (protocol === WANTED_SUBPROTOCOL) return ok('passes', { protocol });
  return fail(`asked for ${WANTED_SUBPROTOCOL}, answered ${protocol === '' ? 'none' : protocol}`, SUBPROTOCOL_LOST);
}

/** @param isOurs the server has it, so that it is missed where it is not there */
export function checkDeflate({ connection: { extensions } }: ProbeSocket, isOurs: boolean): Outcome {
  if (/permessage-deflate/i.test(extensions)) return ok(isOurs ? 'passes' : 'agreed on', { extensions });
  return isOurs ? warn('does not pass', EXTENSIONS_LOST) : skip('not agreed on');
}

/** Text and bytes, there and back. */
export async function checkMessages(socket: ProbeSocket, timeout: number): Promise<Outcome> {
  const begin = performance.now();
  const text = 'Grüße, 你好, 👋';
  const isText = await comesBack(socket, text, timeout);
  const time = performance.now() - begin;
  if (!isText) return fail(lost(socket), FRAMES_SWALLOWED);
  const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
  if (!(await comesBack(socket, bytes, timeout))) return fail('text comes back, binary does not', FRAMES_SWALLOWED);
  return ok(`text and binary come back as they went, in ${ms(time)}`, { time });
}

export async function checkLargeMessages(socket: ProbeSocket, timeout: number): Promise<Outcome> {
  // What does not compress is as large on the wire.
  const begin = performance.now();
  if (!(await comesBack(socket, randomBytes(LARGE), timeout))) return fail(lost(socket), LARGE_MESSAGES);
  const time = performance.now() - begin;
  return ok(`come back as they went, in ${ms(time)}`, { bytes: LARGE, time });
}

export async function checkFragments(socket: ProbeSocket, timeout: number): Promise<Outcome> {
  const frames = Math.ceil(LARGE / FRAGMENT);
  const isBack = await comesBack(socket, randomBytes(LARGE), timeout, FRAGMENT);
  return isBack ? ok(`a message in ${frames} frames comes back as it went`, { frames }) : fail(lost(socket), FRAGMENTS);
}

/** @param fragmentSize uncompressed, in frames of so many bytes */
async function comesBack(
  socket: ProbeSocket,
  message: string | Uint8Array,
  timeout: number,
  fragmentSize?: number,
): Promise<boolean> {
  socket.connection.send(message, undefined, fragmentSize === undefined ? {} : { fragmentSize, compress: false });
  const back = await socket.next(timeout);
  if (back === undefined || typeof back === 'string' || typeof message === 'string') return back === message;
  return Buffer.compare(back, message) === 0;
}

function lost({ closeCode }: ProbeSocket): string {
  return closeCode === undefined ? 'nothing comes back' : `closed with ${closeCode}`;
}
