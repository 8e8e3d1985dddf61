import { globals, type AnswerLike } from '../platform.ts';
import { endingOfFailure, hasType, type HttpSettings, post, readRefusal } from './http.ts';
import { Receiver } from './receiver.ts';
import type { Link, LinkOwner } from './transport.ts';

/** How the messages of a stream stand in it. */
export interface StreamFormat {
  readonly type: string;
  /** Takes a piece of text, cut anywhere; gives the messages that are now complete. */
  parser(): (text: string) => readonly string[];
}

/** A POST whose answer goes on for as long as the client stays. */
export function openStream(settings: HttpSettings, format: StreamFormat, owner: LinkOwner): Link {
  const abort = new globals.AbortController();
  const receiver = new Receiver(owner, () => abort.abort());
  const run = async (): Promise<void> => {
    const hello = await owner.hello();
    if (receiver.isOver) return;
    const answer = await post(settings, hello, owner.subscribes(), { accept: format.type, signal: abort.signal });
    if (receiver.isOver) return;
    if (!hasType(answer, format.type) || answer.body === null) {
      receiver.end(await readRefusal(answer));
      return;
    }
    owner.onSign();
    await readAll(answer, format, receiver);
    receiver.end({ kind: 'cut', reason: 'the stream has ended' });
  };
  run().catch((error: unknown) => receiver.end(endingOfFailure(error)));
  return { close: () => receiver.close() };
}

async function readAll({ body }: AnswerLike, format: StreamFormat, receiver: Receiver): Promise<void> {
  const reader = body!.getReader();
  const decoder = new globals.TextDecoder();
  const parse = format.parser();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || receiver.isOver) return;
    for (const text of parse(decoder.decode(value, { stream: true }))) receiver.text(text);
  }
}
