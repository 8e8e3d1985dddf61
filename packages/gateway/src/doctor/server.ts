import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { PROBE_FOLDER, type ProbeName, type SeenRequest } from '../probe/contract.ts';
import {
  type Advice,
  CACHED,
  HTTP_FAILED,
  isOfGateway,
  noAnswerBehind,
  type OnTheWay,
  pointsElsewhere,
  refusedByProxy,
  unknownHost,
} from './advice.ts';
import { fail, ok, type Outcome, warn } from './check.ts';
import { ms } from './duration.ts';
import type { DoctorSettings } from './settings.ts';
import { type Way, WayError } from './way.ts';

/** Bytes of an answer that is looked at. */
const MOST_BYTES = 65_536;
const ROUND_TRIPS = 3;

/** The server as ordinary requests show it. */
export interface Server {
  /** Undefined: it is no `pulsebeacon serve`, or hides that. */
  readonly probes: Probing | undefined;
  readonly onTheWay: OnTheWay;
  readonly outcome: Outcome;
}

/** A server that answers probes. */
export interface Probing {
  /** The path below which they are. */
  readonly folder: string;
  readonly seen: SeenRequest;
}

export const probePath = ({ folder }: Probing, name: ProbeName, query: Record<string, string | number> = {}): string =>
  `${folder}${name}?${new URLSearchParams({ ...query, nonce: randomUUID() } as Record<string, string>)}`;

interface Look {
  readonly status: number;
  readonly time: number;
  readonly names: string;
  readonly problem: { readonly code?: unknown; readonly detail?: unknown };
  readonly seen: SeenRequest | undefined;
  readonly isCopy: boolean;
  /** Where a redirect points to. */
  readonly location: string | undefined;
}

/** Asks for what arrives of a request; and where nobody answers that, for the address itself. */
export async function lookAtServer(way: Way, settings: DoctorSettings): Promise<Server> {
  let latest: Look | undefined;
  try {
    for (const folder of foldersOf(settings.url)) {
      latest = await look(way, settings, `${folder}request`);
      if (latest.seen === undefined) continue;
      return await describe(way, settings, folder, latest as Look & { readonly seen: SeenRequest });
    }
  } catch (error) {
    const { message } = error as Error;
    const isOfProxy = error instanceof WayError && error.stage === 'proxy';
    return withoutProbes(
      isOfProxy ? fail(message, refusedByProxy(error.refusal)) : fail(`not answered: ${message}`, HTTP_FAILED),
      '',
    );
  }
  return withoutProbes(judgeOther(latest!, settings), latest!.names);
}

const withoutProbes = (outcome: Outcome, names: string): Server => ({
  probes: undefined,
  onTheWay: { names, seen: undefined },
  outcome,
});

/** What to say of an answer to a probe that is none. */
function judgeOther({ status, time, names, problem, location }: Look, { url, proxy }: DoctorSettings): Outcome {
  if (problem.code === 'PB_HOST_UNKNOWN') {
    return fail('421: the server does not know this name', unknownHost(String(problem.detail)));
  }
  const by = names === '' ? '' : ` by ${names}`;
  const isOurs = typeof problem.code === 'string' && problem.code.startsWith('PB_');
  const isForProxy = proxy !== undefined && url.protocol === 'ws:';
  if (!isOurs && isOfGateway(status)) {
    const refusal = { status, schemes: [], hadLogin: proxy?.credentials !== undefined };
    const advice = isForProxy ? refusedByProxy(refusal) : noAnswerBehind(status, names);
    return fail(`${status}${by}: no server answers behind it`, advice, { status });
  }
  const said = `${status}${isOurs ? ` (${String(problem.code)})` : ''}${by}`;
  const values = { status, time };
  if (location !== undefined) {
    return warn(`${said}: it points elsewhere`, pointsElsewhere(url, location), { ...values, location });
  }
  const none = 'no pulsebeacon serve, as far as one can see';
  if (isForProxy && status >= 400) return warn(`${said}: of the forward proxy, or ${none}`, undefined, values);
  return ok(`${said} in ${ms(time)}; ${none}`, values);
}

async function describe(
  way: Way,
  settings: DoctorSettings,
  folder: string,
  first: Look & { readonly seen: SeenRequest },
): Promise<Server> {
  const { seen, names, isCopy } = first;
  const times = [];
  for (let at = 0; at < ROUND_TRIPS; at++) times.push((await look(way, settings, `${folder}request`)).time);
  const roundTrip = Math.min(...times);
  const hops = hopsOf(seen);
  const through = [...hops, ...(names === '' ? [] : [names])].join(', ');
  const measured = `${ms(roundTrip)} round trip; arrives as HTTP/${seen.httpVersion}${through === '' ? '' : ` through ${through}`}`;
  const values = { roundTrip, names, ...seen };
  const advice: Advice | undefined = isCopy ? CACHED : undefined;
  return {
    probes: { folder, seen },
    onTheWay: { names, seen },
    outcome: isCopy ? fail('a copy of another answer, from a cache', advice, values) : judged(seen, measured, values),
  };
}

function judged({ httpVersion }: SeenRequest, measured: string, values: Outcome['values']): Outcome {
  return httpVersion === '1.0' ? warn(measured, undefined, values) : ok(measured, values);
}

/** What proxies say of themselves in the request. */
function hopsOf({ fields }: SeenRequest): string[] {
  const told = fields.filter(([name]) => /^(?:via|forwarded|x-forwarded-for|x-real-ip)$/i.test(name));
  return told.map(([name, value]) => `${name}: ${value}`);
}

/** Where a server may be that is asked for by this URL: beside its last part, or below it. */
function foldersOf({ pathname }: URL): string[] {
  const beside = pathname.slice(0, pathname.lastIndexOf('/') + 1);
  const below = pathname.endsWith('/') ? pathname : `${pathname}/`;
  return [...new Set([beside, below, '/'])].map((folder) => `${folder}${PROBE_FOLDER}`);
}

async function look(way: Way, { timeout }: DoctorSettings, path: string): Promise<Look> {
  const nonce = randomUUID();
  const { answer, time } = await way.get(`${path}?nonce=${nonce}`, { Accept: 'application/json' }, timeout, true);
  const body = await textOf(answer, timeout);
  const json = parse(body);
  const seen = json['probe'] === 1 ? (json as unknown as SeenRequest) : undefined;
  const { statusCode: status = 0, headers } = answer;
  return {
    status,
    time,
    names: namesIn(answer),
    problem: json,
    seen,
    isCopy: seen !== undefined && seen.nonce !== nonce,
    location: status >= 300 && status < 400 ? headers.location : undefined,
  };
}

/** Who says that it had a hand in the answer. Ours says nothing. */
function namesIn({ headers }: IncomingMessage): string {
  return [headers['server'], headers['via']]
    .filter((name) => name !== undefined && name !== '')
    .join(', ')
    .slice(0, 100);
}

/** The start of the body. @throws WayError where it does not come */
async function textOf(answer: IncomingMessage, timeout: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const timer = setTimeout(() => answer.destroy(new Error(`no body within ${timeout / 1000} s`)), timeout);
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MOST_BYTES) break;
    }
  } catch (error) {
    throw new WayError('answer', error as Error);
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).toString();
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
