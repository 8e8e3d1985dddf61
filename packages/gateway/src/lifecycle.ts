import type { Gateway } from './gateway.ts';
import type { Log } from './log/log.ts';

/** npm passes Ctrl-C on to the program that has had it from the terminal already: that is no second Ctrl-C. */
export const SAME_CTRL_C_MS = 500;

/** 128 + SIGINT, as shells have it. */
const EXIT_INTERRUPTED = 130;

/** SIGINT (Ctrl-C) and SIGTERM let connections end, then the program; a second Ctrl-C ends it at once. */
export function drainOnSignals(gateway: Gateway, log: Log): void {
  let begun: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (begun === undefined) {
      begun = performance.now();
      void end(gateway, log, signal);
    } else if (signal === 'SIGINT' && performance.now() - begun > SAME_CTRL_C_MS) {
      log.warn('ended at once, connections and all');
      process.exit(EXIT_INTERRUPTED);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

async function end(gateway: Gateway, log: Log, signal: string): Promise<void> {
  const { total } = gateway.counts();
  const { drainTimeout } = gateway.settings.limits;
  if (total.open > 0) {
    const what = total.open === 1 ? '1 connection is' : `${total.open} connections are`;
    log.info(`${signal}: ${what} told to go; at most ${drainTimeout / 1000} s (Ctrl-C again ends at once)`);
  } else {
    log.info(`${signal}: ending`);
  }
  const { sockets, cutOff } = await gateway.drain();
  const { channels, echo } = gateway.counts();
  const cut = cutOff === 0 ? '' : `; ${cutOff} had to be cut off`;
  log.info(
    `ended: ${sockets} closed${cut}; ${total.peak} connections at most, ${channels.published} published, ${echo.messagesIn} echoed`,
    { event: 'ended', sockets, cutOff, peak: total.peak },
  );
  process.exit(0);
}

/** Faults of the program itself are never swallowed: they are written down, and end it. */
export function logFaults(log: Log): void {
  process.on('uncaughtException', (error, origin) => {
    log.fatal(origin === 'unhandledRejection' ? 'a rejection that nobody handled' : 'an error that nobody caught', {
      err: error,
    });
    process.exit(1);
  });
}
