import { readLooks, readObject, type Looks } from '../visitor.ts';

const LONGEST_TEXT = 2000;

/** Something that somebody said. */
export interface Said extends Looks {
  /** Of the publication: by it the page knows its own again. */
  readonly id: string;
  /** The client that said it, as presence has it. */
  readonly by: string;
  readonly text: string;
}

/** What was published in the channel; undefined where it is nothing that this page would have published. */
export function readSaid(data: unknown): Said | undefined {
  const object = readObject(data);
  const { id, by, text } = object;
  if (typeof text !== 'string' || text.trim() === '') return undefined;
  return {
    ...readLooks(object),
    id: typeof id === 'string' ? id : '',
    by: typeof by === 'string' ? by : '',
    text: text.slice(0, LONGEST_TEXT),
  };
}

/** Random enough for this: `randomUUID` is there for secure pages alone. */
export const newId = (): string => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
