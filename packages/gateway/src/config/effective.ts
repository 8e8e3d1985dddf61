import type { Command } from 'commander';
import type { ConfigFile } from './config-file.ts';
import { Failure } from '../failure.ts';
import { SWITCH } from './kinds.ts';
import { environmentName, flagOf, type Setting, SETTINGS, type SettingValues } from './table.ts';

/** Whence a value comes; a source with a higher rank goes before one with a lower one. */
export interface Source {
  readonly rank: 0 | 1 | 2 | 3;
  /** `--port`, `PULSEBEACON_PORT`, `pulsebeacon.yaml:4:9` or `default` */
  readonly name: string;
}

const DEFAULT: Source = { rank: 0, name: 'default' };

interface Sourced {
  readonly value: unknown;
  readonly source: Source;
}

/** What holds: of each setting what the command line says, else the environment, else the file, else its default. */
export class Effective {
  readonly file: ConfigFile | undefined;
  private readonly values = new Map<string, Sourced>();

  constructor(command: Command, file: ConfigFile | undefined) {
    this.file = file;
    for (const setting of SETTINGS) this.values.set(setting.key, choose(setting, command, file));
  }

  get<Key extends keyof SettingValues>(key: Key): SettingValues[Key] {
    return this.values.get(key)!.value as SettingValues[Key];
  }

  sourceOf(key: keyof SettingValues): Source {
    return this.values.get(key)!.source;
  }

  /** A setting as messages name it: the way in which it was given. */
  nameOf(key: keyof SettingValues): string {
    const { rank, name } = this.sourceOf(key);
    return rank === 1 ? `${key} (${name})` : name;
  }
}

/** The name that commander gives to the value of an option: `maxConnections` of `--max-connections`. */
function attributeOf(setting: Setting): string {
  return flagOf(setting)
    .slice(2)
    .replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function choose(setting: Setting, command: Command, file: ConfigFile | undefined): Sourced {
  const attribute = attributeOf(setting);
  const value: unknown = command.getOptionValue(attribute);
  const flag = flagOf(setting);
  switch (command.getOptionValueSource(attribute)) {
    case 'cli':
      return { value, source: { rank: 3, name: value === false ? `--no-${flag.slice(2)}` : flag } };
    case 'env':
      checkSwitch(setting, value);
      return { value, source: { rank: 2, name: environmentName(flag) } };
  }
  const written = file?.settings.get(setting.key);
  if (written !== undefined) return { value: written.value, source: { rank: 1, name: written.place } };
  return { value: setting.byDefault, source: DEFAULT };
}

/** Commander turns a switch on, whatever its variable says: a word that is neither yes nor no must not open a door. */
function checkSwitch(setting: Setting, value: unknown): void {
  if (setting.kind !== SWITCH || value !== true) return;
  const name = environmentName(flagOf(setting));
  const text = process.env[name] ?? '';
  if (!/^(1|yes|on|true)$/i.test(text)) throw new Failure(`${name} is ${JSON.stringify(text)}: give true or false`, 2);
}
