/** What the person at the terminal can act upon: printed as one sentence, without a stack, before the program ends. */
export class Failure extends Error {
  override readonly name = 'Failure';
  /** 1: what was asked for is not possible here and now. 2: an option has a value that it cannot have. 130: Ctrl-C. */
  readonly exitCode: 1 | 2 | 130;

  constructor(message: string, exitCode: 1 | 2 | 130 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The `code` of an error of Node, such as `EADDRINUSE`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
