import type { AnswerFaultCode } from '../../handshake/answer-faults.ts';
import type { ConnectFailureCode } from './connect-failures.ts';
import type { HttpFailureCode } from './http-failures.ts';

export interface OpeningFailureOptions {
  readonly detail?: string | undefined;
  readonly cause?: unknown;
}

/** Why an opening handshake fails, on its way to the {@link HandshakeError} that says so with all that is known. */
export class OpeningFailure extends Error {
  override readonly name = 'OpeningFailure';
  readonly code: ConnectFailureCode | AnswerFaultCode | HttpFailureCode;
  readonly detail: string | undefined;

  constructor(code: OpeningFailure['code'], { detail, cause }: OpeningFailureOptions = {}) {
    super(code, { cause });
    this.code = code;
    this.detail = detail;
  }
}

/** What the application gives, where it is asked. @throws OpeningFailure `PB_CONNECT_CALLBACK` where it throws */
export async function askApplication<T>(ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw new OpeningFailure('PB_CONNECT_CALLBACK', { cause });
  }
}
