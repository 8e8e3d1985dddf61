import { HandshakeError } from '@pulsebeacon/websocket';
import { idleCut, NO_ROOM, type OnTheWay, pollCut, STREAM_FAILED, streamCut } from './advice.ts';
import { fail, ok, type Outcome, warn } from './check.ts';
import { seconds } from './duration.ts';
import { type Probing, probePath } from './server.ts';
import type { DoctorSettings } from './settings.ts';
import { isNoRoom, readLines } from './streams.ts';
import { openingOf, ProbeSocket } from './websocket.ts';
import type { Way } from './way.ts';

/** Milliseconds between pings: ours by default, where the silence is longer than that. */
export const pingEvery = (idle: number): number => (idle > 30_000 ? 25_000 : idle / 4);

/** Milliseconds that a long poll waits: ours by default, at most as long as silence is looked at. */
export const pollWait = (idle: number): number => (idle === 0 ? 1000 : Math.min(25_000, idle));

/** How long a WebSocket held, and whether to the end. */
interface Held {
  readonly lived: boolean;
  /** Milliseconds. */
  readonly after: number;
  /** Nobody said that it was over. */
  readonly isSilent: boolean;
  readonly pings: number;
}

/** Two WebSockets for as long: one is silent, on the other one there are pings. */
export async function checkIdleSockets(
  url: string,
  settings: DoctorSettings,
  isOurs: boolean,
  onTheWay: OnTheWay,
): Promise<readonly [silent: Outcome, pinged: Outcome]> {
  const every = pingEvery(settings.idle);
  const [silent, pinged] = await Promise.all([
    holdSocket(url, settings, isOurs, undefined),
    holdSocket(url, settings, isOurs, every),
  ]);
  if (silent instanceof Error) return [fail(silent.message), fail(silent.message)];
  if (pinged instanceof Error)
    return [describeSilent(silent, undefined, settings.idle, onTheWay), fail(pinged.message)];
  const values = { after: pinged.after, every };
  const last = pinged.lived
    ? ok(`lives after ${seconds(pinged.after)}, with a ping every ${seconds(every)}`, values)
    : fail(`${cut(pinged)}, with a ping every ${seconds(every)}`, idleCut(pinged.after, false, onTheWay), values);
  return [describeSilent(silent, pinged.lived, settings.idle, onTheWay), last];
}

function describeSilent(held: Held, withPings: boolean | undefined, idle: number, onTheWay: OnTheWay): Outcome {
  const { lived, after, pings } = held;
  const own = pings === 0 ? '' : ` (the server sent ${pings === 1 ? 'a ping' : `${pings} pings`})`;
  if (lived) return ok(`lives after ${seconds(idle)} of silence${own}`, { after, pings });
  const advice = idleCut(after, withPings, onTheWay);
  return (withPings === true ? warn : fail)(`${cut(held)}${own}`, advice, { after, pings });
}

function cut({ after, isSilent }: Held): string {
  return isSilent ? `dead after ${seconds(after)}, and nobody said so` : `cut after ${seconds(after)}`;
}

async function holdSocket(
  url: string,
  settings: DoctorSettings,
  isOurs: boolean,
  every: number | undefined,
): Promise<Held | Error> {
  const { idle, timeout } = settings;
  let socket: ProbeSocket;
  try {
    socket = await ProbeSocket.open(url, openingOf(settings, isOurs));
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
  const pinging = every === undefined ? undefined : setInterval(() => socket.connection.ping(), every);
  await socket.closed(idle);
  clearInterval(pinging);
  const lived = await socket.isAlive(timeout);
  const { closedAfter = idle, pings } = socket;
  const isSilent = !lived && socket.closedAfter === undefined;
  await socket.leave();
  return { lived, after: lived ? idle : closedAfter, isSilent, pings };
}

/** Keep-alives of the streams of channels come every 15 s: what is cut later than that does them no harm. */
const KEEP_ALIVE = 15_000;

export async function checkIdleStream(
  way: Way,
  probing: Probing,
  settings: DoctorSettings,
  onTheWay: OnTheWay,
): Promise<Outcome> {
  const { idle, timeout } = settings;
  const begin = performance.now();
  let chunks = 0;
  let error: Error | undefined;
  try {
    const path = probePath(probing, 'silence', { ms: idle });
    const { answer } = await way.get(path, { Accept: 'application/x-ndjson' }, idle + timeout, false);
    if (isNoRoom(answer.statusCode)) {
      answer.destroy();
      return warn(`not looked at: ${answer.statusCode}`, NO_ROOM);
    }
    error = await readLines(answer, 'identity', idle + timeout, (line) => {
      if (line.startsWith('{')) chunks++;
    });
  } catch (failure) {
    error = failure as Error;
  }
  const after = performance.now() - begin;
  if (chunks === 2 && error === undefined) return ok(`lives after ${seconds(idle)} of silence`, { after });
  const isHarmless = after > KEEP_ALIVE + 2000;
  return (isHarmless ? warn : fail)(`cut after ${seconds(after)}`, streamCut(after, onTheWay), { after });
}

export async function checkPoll(way: Way, probing: Probing, { idle, timeout }: DoctorSettings): Promise<Outcome> {
  const wait = pollWait(idle);
  const begin = performance.now();
  let what: string;
  try {
    const path = probePath(probing, 'wait', { ms: Math.round(wait) });
    const { answer, time } = await way.get(path, { Accept: 'application/json' }, wait + timeout, false);
    answer.resume();
    if (isNoRoom(answer.statusCode)) return warn(`not looked at: ${answer.statusCode}`, NO_ROOM);
    if (answer.statusCode === 200) return ok(`answered after ${seconds(time)}`, { time });
    what = `answered with ${answer.statusCode}`;
  } catch (error) {
    what = (error as Error).message;
  }
  const after = performance.now() - begin;
  return fail(`${what} after ${seconds(after)}`, after < wait / 2 ? STREAM_FAILED : pollCut(after), { after });
}
