import { globals } from '../platform.ts';
import { endingOfFailure, hasType, type HttpSettings, post, readRefusal } from './http.ts';
import { readMessages } from './read-message.ts';
import { Receiver } from './receiver.ts';
import type { Link, LinkOwner } from './transport.ts';

const JSON_TYPE = 'application/json';

/**
 * One request after the other, each of which is answered when there is news.
 * @param waitMs the longest that one waits
 */
export function openPoll(settings: HttpSettings, waitMs: number, owner: LinkOwner): Link {
  let abort = new globals.AbortController();
  let wake: (() => void) | undefined;
  const receiver = new Receiver(owner, () => interrupt());
  const interrupt = (): void => {
    abort.abort();
    wake?.();
  };

  const ask = async (wait: number): Promise<void> => {
    const hello = await owner.hello();
    if (receiver.isOver) return;
    abort = new globals.AbortController();
    const answer = await post(settings, hello, owner.subscribes(), { accept: JSON_TYPE, signal: abort.signal, wait });
    if (!hasType(answer, JSON_TYPE)) return receiver.end(await readRefusal(answer));
    const text = await answer.text();
    if (receiver.isOver) return;
    owner.onSign();
    for (const message of readMessages(text)) receiver.message(message);
  };

  const run = async (): Promise<void> => {
    // The first answer comes at once: with positions, after which nothing can be missed.
    let wait = 0;
    while (!receiver.isOver) {
      try {
        await ask(wait);
        wait = Math.round(waitMs / 1000);
      } catch (error) {
        // Other channels are followed from now on.
        if (!abort.signal.aborted) throw error;
        wait = 0;
      }
      // Whoever follows nothing has nothing to wait for.
      while (owner.subscribes().length === 0 && !receiver.isOver)
        await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  run().catch((error: unknown) => receiver.end(endingOfFailure(error)));
  return { refresh: interrupt, close: () => receiver.close() };
}
