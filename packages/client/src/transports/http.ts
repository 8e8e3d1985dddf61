import { type AnswerFacts, type Ending, endingOfAnswer } from '../connection/ending.ts';
import { BeaconError } from '../errors.ts';
import {
  type AbortSignalLike,
  type AnswerLike,
  type Credentials,
  type FetchLike,
  globals,
  type RequestOptions,
} from '../platform.ts';
import type { Hello, WireCommand } from './transport.ts';

/** Of answers that end. */
export const JSON_TYPE = 'application/json';

/** How requests to `/connect` are made. */
export interface HttpSettings {
  readonly url: string;
  readonly fetch: FetchLike;
  readonly credentials: Credentials;
}

export interface PostOptions {
  readonly accept: string;
  readonly signal: AbortSignalLike;
  /** Seconds that the answer may wait for news. */
  readonly wait?: number;
}

/**
 * POSTs `hello` and commands. The type `text/plain` spares pages of other origins a preflight for each; the server takes
 * it for JSON. For the same reason the wait stands in the query.
 */
export function post(
  settings: HttpSettings,
  hello: Hello,
  commands: readonly WireCommand[],
  { accept, signal, wait }: PostOptions,
): Promise<AnswerLike> {
  const { url } = settings;
  return ask(settings, wait === undefined ? url : withQuery(url, `wait=${wait}`), {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain', Accept: accept },
    body: JSON.stringify({ hello, commands }),
    signal,
  });
}

export const withQuery = (url: string, query: string): string => `${url}${url.includes('?') ? '&' : '?'}${query}`;

/**
 * `fetch`, which tells pages of another origin nothing where the server does not list it: whether there is an answer, they
 * may ask all the same.
 * @throws {BeaconError} where there is one
 */
export async function ask(
  { fetch, credentials }: HttpSettings,
  url: string,
  options: RequestOptions & { readonly signal: AbortSignalLike },
): Promise<AnswerLike> {
  const common = { cache: 'no-store', credentials, signal: options.signal } as const;
  try {
    return await fetch(url, { ...options, ...common });
  } catch (error) {
    const { location } = globals;
    if (location === undefined || url.startsWith(`${location.origin}/`)) throw error;
    await fetch(url, { ...common, mode: 'no-cors' });
    const detail = 'the server answers, but not to pages of this origin: allowedOrigins has to list it';
    throw new BeaconError('PB_CLIENT_OFFLINE', detail, { retry: true });
  }
}

/** Whether it is what was asked for: a login page of a network is not. */
export const hasType = ({ ok, headers }: AnswerLike, type: string): boolean =>
  ok && (headers.get('content-type') ?? '').split(/[\s;]/)[0]!.toLowerCase() === type;

/** What an answer says that is not the one that was asked for. */
export async function readRefusal(answer: AnswerLike): Promise<Ending> {
  const { ok, status } = answer;
  if (!ok) return endingOfAnswer(await readFacts(answer));
  const type = answer.headers.get('content-type') ?? 'no type';
  answer.body?.cancel().catch(() => {});
  return { kind: 'blocked', reason: `something between here and the server answers (${status}, ${type})` };
}

/** Status, problem document (RFC 9457), challenge and `Retry-After`. */
export async function readFacts(answer: AnswerLike): Promise<AnswerFacts> {
  const { status, headers } = answer;
  const { code, detail } = await readProblem(answer);
  return {
    status,
    code,
    detail,
    challenge: headers.get('www-authenticate') ?? undefined,
    retryAfter: readRetryAfter(headers.get('retry-after')),
  };
}

async function readProblem(answer: AnswerLike): Promise<{ code?: string | undefined; detail?: string | undefined }> {
  try {
    const { code, detail } = JSON.parse(await answer.text()) as { code?: unknown; detail?: unknown };
    return { code: textOf(code), detail: textOf(detail) };
  } catch {
    return {};
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** RFC 9110 §10.2.3: seconds, or a date. @returns milliseconds; less than nothing for a date that has passed */
export function readRetryAfter(field: string | null): number | undefined {
  if (field === null) return undefined;
  if (/^\d{1,9}$/.test(field)) return Number(field) * 1000;
  // What is no date has no difference either.
  return Date.parse(field) - Date.now() || undefined;
}

/** Why a request did not get an answer. What `fetch` rejects with says little: browsers tell pages no more, for safety. */
export function endingOfFailure(error: unknown): Ending {
  if (error instanceof BeaconError) return { kind: 'later', reason: error.message, code: error.code };
  return { kind: 'unreachable', reason: `nothing answers (${causeOf(error)})` };
}

function causeOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } };
  return cause?.code ?? (cause?.message || message || String(error));
}
