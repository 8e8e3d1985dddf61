import { type Ending, endingOfAnswer } from './connection/ending.ts';
import { type AnswerLike, globals } from './platform.ts';
import { endingOfFailure, type HttpSettings, readFacts } from './transports/http.ts';

const PATIENCE_MS = 4500;

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
  const ending = endingOfAnswer(await readFacts(answer));
  // Such as 426: the server is there, and has WebSockets at this URL.
  if (ending.kind !== 'blocked') return ending;
  const reason = `something between here and the server blocks WebSocket (HTTP gets through: ${answer.status})`;
  return { ...ending, reason };
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
