import { byId } from '../shared/dom.js';

/** So many colours there are in demo.css. */
const COLOURS = 8;
const LONGEST_NAME = 24;
const KEPT_AS = 'pulsebeacon:demo:visitor';
const FIRST = ['Quiet', 'Swift', 'Amber', 'Bright', 'Northern', 'Patient', 'Copper', 'Early', 'Curious', 'Steady'];
const SECOND = ['Heron', 'Otter', 'Lantern', 'Harbour', 'Falcon', 'Maple', 'Comet', 'Lynx', 'Pilot', 'Tern'];

/** Somebody as the others see them. */
export interface Looks {
  readonly name: string;
  readonly colour: number;
}

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)]!;

/** What somebody else says of themselves: text of a bounded length, and one of the colours. */
export function readLooks(data: Readonly<Record<string, unknown>>): Looks {
  const { name, colour } = data;
  return {
    name: typeof name === 'string' && name.trim() !== '' ? name.trim().slice(0, LONGEST_NAME) : 'Somebody',
    colour: typeof colour === 'number' && Number.isInteger(colour) ? Math.abs(colour) % COLOURS : 0,
  };
}

/** An object, whatever somebody else has published. */
export const readObject = (data: unknown): Readonly<Record<string, unknown>> =>
  typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};

/** Who uses this tab: kept for as long as it is open. Two tabs are two visitors. */
export class Visitor implements Looks {
  name: string;
  readonly colour: number;

  constructor() {
    const { name, colour } = recall() ?? newLooks();
    this.name = name;
    this.colour = colour;
    this.keep();
  }

  /** Ties the field for the name to it. @param onChanged told of another name */
  edit(onChanged: () => void): void {
    const field = byId('name', HTMLInputElement);
    field.value = this.name;
    field.addEventListener('change', () => {
      const name = field.value.trim().slice(0, LONGEST_NAME);
      field.value = name || this.name;
      if (name === '' || name === this.name) return;
      this.name = name;
      this.keep();
      onChanged();
    });
  }

  private keep(): void {
    try {
      sessionStorage.setItem(KEPT_AS, JSON.stringify({ name: this.name, colour: this.colour }));
    } catch {
      // Closed to this page: the name lasts as long as it does.
    }
  }
}

const newLooks = (): Looks => ({
  name: `${pick(FIRST)} ${pick(SECOND)}`,
  colour: Math.floor(Math.random() * COLOURS),
});

function recall(): Looks | undefined {
  try {
    const kept = sessionStorage.getItem(KEPT_AS);
    return kept === null ? undefined : readLooks(readObject(JSON.parse(kept)));
  } catch {
    return undefined;
  }
}
