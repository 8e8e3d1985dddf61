/** A value of the file, read; and where it stands: `pulsebeacon.yaml:4:9`. */
export interface FileValue {
  readonly value: unknown;
  readonly place: string;
}

/** The settings that stand in a part of the file, by the key of their rows. */
export type FileValues = ReadonlyMap<string, FileValue>;

/** An entry of one of its lists, and where it begins. */
export interface FileEntry {
  readonly values: FileValues;
  readonly place: string;
}

/** What a configuration file says. Nothing that it leaves out is in here. */
export interface ConfigFile {
  /** Its name, as it was given. */
  readonly name: string;
  readonly settings: FileValues;
  readonly namespaces: readonly FileEntry[];
  readonly keys: readonly FileEntry[];
}
