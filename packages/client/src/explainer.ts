import { type Ending, endingOfAnswer } from './connection/ending.ts';
import { globals } from './platform.ts';
import { ask, endingOfFailure, type HttpSettings, readFacts } from './transports/http.ts';

const PATIENCE_MS = 4500;

/**
 * Finds out why a WebSocket did not open, which browsers do not tell: asks for the same URL by an ordinary request.
 */
export async function explainHandshake(settings: HttpSettings): Promise<Ending> {
  try {
    const answer = await ask(settings, settings.url, { signal: globals.AbortSignal.timeout(PATIENCE_MS) });
    const ending = endingOfAnswer(await readFacts(answer));
    // Such as 426: the server is there, and has WebSockets at this URL.
    if (ending.kind !== 'blocked') return ending;
    const reason = `something between here and the server blocks WebSocket (HTTP gets through: ${answer.status})`;
    return { ...ending, reason };
  } catch (error) {
    return endingOfFailure(error);
  }
}
