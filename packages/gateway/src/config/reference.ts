import type { Notation } from './kinds.ts';
import { LISTS } from './list-tables.ts';
import { environmentName, flagOf, type Row, SECTIONS } from './table.ts';

/** A setting of `serve`, as docs/reference/configuration.md has it. */
export interface ReferenceRow {
  readonly key: string;
  readonly about: string;
  /** In its notation; undefined: none. */
  readonly byDefault: Notation | undefined;
  /** What applies in the place of a default. */
  readonly without: string | undefined;
  readonly isRequired: boolean;
  readonly flags?: string;
  readonly environment?: string;
}

/** Settings under the heading that they have in the file. */
export interface ReferenceSection {
  readonly name: string;
  readonly about: string;
  readonly rows: readonly ReferenceRow[];
}

/** The sections of settings that have options, too; then the lists that the file alone has. */
export function reference(): {
  readonly sections: readonly ReferenceSection[];
  readonly lists: readonly ReferenceSection[];
} {
  return {
    sections: SECTIONS.map(({ name, about, settings }) => ({
      name,
      about,
      rows: settings.map((setting) => {
        const environment = environmentName(flagOf(setting));
        return { ...toRow(setting), flags: setting.flags, environment };
      }),
    })),
    lists: LISTS.map(({ name, about, rows }) => ({ name, about, rows: rows.map(toRow) })),
  };
}

function toRow({ key, about, kind, byDefault, without, isRequired = false }: Row): ReferenceRow {
  const shown = byDefault === undefined ? undefined : kind.show(byDefault as never);
  return { key, about, byDefault: shown, without, isRequired };
}
