/** A stable code: it never changes meaning. docs/reference/durability.md has the table. */
export type StoreErrorCode =
  | 'PB_STORE_IN_USE'
  | 'PB_STORE_FOLDER'
  | 'PB_STORE_FOREIGN'
  | 'PB_STORE_NEWER'
  | 'PB_STORE_CORRUPT'
  | 'PB_STORE_FULL'
  | 'PB_STORE_FAILED'
  | 'PB_STORE_CLOSED'
  | 'PB_STORE_OPTION';

/** What is wrong with the store; the message names the folder and says what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

export function corrupt(folder: string, what: string, cause?: unknown): StoreError {
  const remedy = 'restore the folder from a backup, or move it away to begin anew';
  return new StoreError('PB_STORE_CORRUPT', `the data in ${folder} cannot be read (${what}): ${remedy}`, cause);
}
