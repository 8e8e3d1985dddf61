import { globals } from '../platform.ts';
import { endingOfFailure, hasType, type HttpSettings, JSON_TYPE, post, readRefusal } from './http.ts';
import { readMessages } from './read-message.ts';
import { Receiver } from './receiver.ts';
import type { Link, LinkOwner } from './transport.ts';

/**
 * One request after the other, each of which is answered when there is news.
 * @param waitMs the longest that one waits
 */
export function openPoll(settings: HttpSettings, waitMs: number, owner: LinkOwner): Link {
  let abort = new globals.AbortController();
  let timer: unknown;
  let wake: (() => void) | undefined;
  /** In seconds. The first answer comes at once: with positions, after which nothing can be missed. */
  let wait = 0;
  const receiver = new Receiver(owner, () => interrupt());
  const interrupt = (): void => {
    wait = 0;
    globals.clearTimeout(timer);
    abort.abort();
    wake?.();
  };

  const ask = async (): Promise<void> => {
    abort = new globals.AbortController();
    const hello = await owner.hello();
    if (receiver.isOver) return;
    const options = { accept: JSON_TYPE, signal: abort.signal, wait };
    wait = Math.round(waitMs / 1000);
    const answer = await post(settings, hello, owner.subscribes(), options);
    if (!hasType(answer, JSON_TYPE)) return receiver.end(await readRefusal(answer));
    const text = await answer.text();
    if (receiver.isOver) return;
    owner.onSign();
    for (const message of readMessages(text)) receiver.message(message);
  };

  const run = async (): Promise<void> => {
    while (!receiver.isOver) {
      try {
        await ask();
      } catch (error) {
        // Other channels are followed from now on.
        if (!abort.signal.aborted) throw error;
      }
      if (owner.subscribes().length > 0 || receiver.isOver) continue;
      // The server does not let those wait who follow nothing.
      await new Promise<void>((resolve) => {
        wake = resolve;
        timer = globals.setTimeout(resolve, waitMs);
      });
    }
  };
  run().catch((error: unknown) => receiver.end(endingOfFailure(error)));
  return { refresh: interrupt, close: () => receiver.close() };
}
