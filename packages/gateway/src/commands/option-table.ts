import { type Command, Option } from 'commander';

/** An option as the tables of the commands have it. */
export interface OptionText {
  readonly flags: string;
  readonly about: string;
  readonly read?: (text: string, before: undefined | readonly never[]) => unknown;
  readonly byDefault?: { readonly value: unknown; readonly shown?: string };
  readonly choices?: readonly string[];
}

/** Options under the heading that they have in the help. */
export type OptionGroup = readonly [heading: string, options: readonly OptionText[]];

/** Adds the options to the command. @param adjust what a command does with all of its options beside that */
export function addOptions(
  command: Command,
  groups: readonly OptionGroup[],
  adjust: (option: Option) => void = () => {},
): void {
  for (const [heading, options] of groups) {
    for (const { flags, about, read, byDefault, choices } of options) {
      const option = new Option(flags, about).helpGroup(heading);
      adjust(option);
      if (choices !== undefined) option.choices(choices);
      if (read !== undefined) option.argParser<unknown>(read as (text: string, before: unknown) => unknown);
      if (byDefault !== undefined) option.default(byDefault.value, byDefault.shown);
      command.addOption(option);
    }
  }
}

/** In the help: what an option is about, and its default. */
export function describeOption({
  description,
  argChoices,
  defaultValue,
  defaultValueDescription,
  negate,
}: Option): string {
  const notes: string[] = argChoices === undefined ? [] : [argChoices.join(', ')];
  // That a switch is on unless it is switched off says its name.
  if (defaultValue !== undefined && !negate) notes.push(`default ${defaultValueDescription ?? String(defaultValue)}`);
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
}
