import type { DestinationStream } from 'pino';
import pretty from 'pino-pretty';

/** For a terminal: the time of day, the level where it matters, the sentence; stacks of errors below it. */
export function pinoPretty(): DestinationStream {
  return pretty.build({
    sync: true,
    destination: 1,
    translateTime: 'SYS:HH:MM:ss',
    // The sentence says it all; the fields are for programs.
    hideObject: true,
    customColors: 'fatal:bgRed,error:red,warn:yellow,info:green,debug:blue,trace:gray,message:reset',
  });
}
