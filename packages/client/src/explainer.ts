import { type Ending, endingOfAnswer } from './connection/ending.ts';
import { type AnswerLike, globals } from './platform.ts';
import { endingOfFailure, type HttpSettings, readFacts } from './transports/http.ts';

const PATIENCE_MS = 4500;

/** Statuses with which a server says that it is there, and has WebSockets at this URL: 426 is ours. */
const READY: readonly number[] = [200, 204, 400, 405, 426];

/**
 * Finds out why a WebSocket did not open, which browsers do not tell: asks for the same URL by an ordinary request.
 */
export async function explainHandshake({ url, fetch, credentials }: HttpSettings): Promise<Ending> {
  const abort = new globals.AbortController();
  const timer = globals.setTimeout(() => abort.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(url, { cache: 'no-store', credentials, signal: abort.signal });
    return await judge(answer);
  } catch (error) {
    return await whyNotReadable(url, fetch, abort.signal, error);
  } finally {
    globals.clearTimeout(timer);
  }
}

async function judge(answer: AnswerLike): Promise<Ending> {
  const facts = await readFacts(answer);
  if (!READY.includes(facts.status)) return endingOfAnswer(facts);
  const reason = `something between here and the server blocks WebSocket (HTTP gets through: ${facts.status})`;
  return { kind: 'blocked', reason, status: facts.status };
}

/** Pages may not read what other origins answer, unless these allow it. */
async function whyNotReadable(
  url: string,
  fetch: HttpSettings['fetch'],
  signal: { readonly aborted: boolean },
  error: unknown,
): Promise<Ending> {
  // Node looks at no origins.
  if (globals.location === undefined) return endingOfFailure(error);
  try {
    await fetch(url, { mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal });
    const reason = 'the server answers, but not to pages of this origin (allowedOrigins)';
    return { kind: 'unreachable', reason };
  } catch {
    return endingOfFailure(error);
  }
}
