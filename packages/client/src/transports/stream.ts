import { type AnswerLike, globals } from '../platform.ts';
import { endingOfFailure, hasType, type HttpSettings, post, readRefusal } from './http.ts';
import { Receiver } from './receiver.ts';
import { StreamText } from './stream-text.ts';
import type { Link, LinkOwner } from './transport.ts';

/** A message a line, or a message an event: some proxies that hold back other streams let these through. */
const TYPES = { ndjson: 'application/x-ndjson', sse: 'text/event-stream' } as const;

/** A POST whose answer goes on for as long as the client stays. */
export function openStream(settings: HttpSettings, form: keyof typeof TYPES, owner: LinkOwner): Link {
  const accept = TYPES[form];
  const abort = new globals.AbortController();
  const receiver = new Receiver(owner, () => abort.abort());
  const run = async (): Promise<void> => {
    const hello = await owner.hello();
    if (receiver.isOver) return;
    const answer = await post(settings, hello, owner.subscribes(), { accept, signal: abort.signal });
    if (receiver.isOver) return;
    if (!hasType(answer, accept) || answer.body === null) {
      receiver.end(await readRefusal(answer));
      return;
    }
    owner.onSign();
    await readAll(answer, new StreamText(form === 'sse'), receiver);
    receiver.end({ kind: 'cut', reason: 'the stream has ended' });
  };
  run().catch((error: unknown) => receiver.end(endingOfFailure(error)));
  return { close: () => receiver.close() };
}

async function readAll({ body }: AnswerLike, stream: StreamText, receiver: Receiver): Promise<void> {
  const reader = body!.getReader();
  const decoder = new globals.TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || receiver.isOver) return;
    for (const text of stream.push(decoder.decode(value, { stream: true }))) receiver.text(text);
  }
}
