import { Failure } from '../failure.ts';
import { EXIT } from './exit-codes.ts';
import type { Notices } from './notices.ts';
import { RemoteFailure } from './remote-failure.ts';

/** A signal that ends the program, as the reason of an AbortSignal. */
class Interrupted extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}

/** SIGINT and SIGTERM end what is under way; a second one, where that takes its time, ends the program. */
export function endOnSignals(): AbortSignal {
  const abort = new AbortController();
  const on = (name: NodeJS.Signals, exitCode: number): void => {
    process.once(name, () => abort.abort(new Interrupted(exitCode)));
  };
  on('SIGINT', EXIT.interrupted);
  on('SIGTERM', EXIT.terminated);
  return abort.signal;
}

/** Runs a command, and says why it failed. @returns what the program ends with */
export async function toExitCode(notices: Notices, signal: AbortSignal, run: () => Promise<unknown>): Promise<number> {
  try {
    await run();
    return EXIT.done;
  } catch (error) {
    if (signal.aborted && signal.reason instanceof Interrupted) return signal.reason.exitCode;
    if (!(error instanceof RemoteFailure) && !(error instanceof Failure)) throw error;
    notices.failed(error);
    return error.exitCode;
  }
}
