import { EXIT } from '../connect/exit-codes.ts';

/*
 * With what the commands end that talk to a server of channels, for scripts. The numbers are those of `connect`, as far
 * as they mean the same, and part of the interface.
 */

export { EXIT };

/** As the help and the guide have them. */
export const PUBLISH_EXIT_CODES: readonly (readonly [number, string])[] = [
  [EXIT.done, 'everything was published'],
  [EXIT.failed, 'input cannot be read, or is not what it is said to be'],
  [EXIT.usage, 'an option, the channel or the server cannot be'],
  [EXIT.unreachable, 'no connection: no such host, nobody listens, no TLS'],
  [EXIT.refused, 'the server refuses it: its sentence says why'],
  [EXIT.badAnswer, 'what answered is no server of channels'],
  [EXIT.lost, 'the connection broke before the answer: it may have been published, or not'],
  [EXIT.timeout, 'no answer within --timeout, or the server had no room until the end of --retry-for'],
  [EXIT.interrupted, 'interrupted (SIGINT); 143: told to end (SIGTERM)'],
];

/** As the help and the guide have them. */
export const SUBSCRIBE_EXIT_CODES: readonly (readonly [number, string])[] = [
  [EXIT.done, 'all that was asked for has come, or whoever reads the output has seen enough'],
  [EXIT.failed, 'output cannot be written'],
  [EXIT.usage, 'an option, the channel or the server cannot be'],
  [EXIT.unreachable, 'no connection: no such host, nobody listens, no TLS'],
  [EXIT.refused, 'the server refuses it: its sentence says why'],
  [EXIT.badAnswer, 'what answered is no server of channels'],
  [EXIT.lost, 'the connection broke, and did not come back within --retry-for'],
  [EXIT.timeout, 'no answer within --timeout, or the server had no room until the end of --retry-for'],
  [EXIT.tooFew, 'it ended before --count publications came'],
  [EXIT.interrupted, 'interrupted (SIGINT); 143: told to end (SIGTERM)'],
];

/** The table at the end of a help text. */
export function exitCodesHelp(codes: readonly (readonly [number, string])[]): string {
  return `Exit codes:\n${codes.map(([code, about]) => `  ${String(code).padStart(3)}  ${about}`).join('\n')}`;
}
