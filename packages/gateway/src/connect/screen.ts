/** A stream that is written to: a terminal, a pipe or a file. */
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** A line that is being typed on a terminal, and has to make room for what is written there. */
export interface TypedLine {
  hide(): void;
  show(): void;
}

/** The two outputs: messages go to one, everything about them to the other. Neither destroys the line being typed. */
export class Screen {
  readonly stdout: Output;
  readonly stderr: Output;
  typedLine: TypedLine | undefined;

  constructor(stdout: Output, stderr: Output) {
    this.stdout = stdout;
    this.stderr = stderr;
  }

  /** @returns false where the reader does not keep up: then `drain` comes from `stdout` */
  out(pieces: string | Uint8Array | Iterable<string>): boolean {
    return this.write(this.stdout, typeof pieces === 'string' || pieces instanceof Uint8Array ? [pieces] : pieces);
  }

  err(text: string): void {
    this.write(this.stderr, [text]);
  }

  private write(stream: Output, pieces: Iterable<string | Uint8Array>): boolean {
    const line = stream.isTTY ? this.typedLine : undefined;
    line?.hide();
    let isTaken = true;
    for (const piece of pieces) isTaken = stream.write(piece);
    line?.show();
    return isTaken;
  }
}
