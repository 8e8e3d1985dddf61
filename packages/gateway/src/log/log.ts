import { type Level, type Logger, pino, stdTimeFunctions } from 'pino';
import { pinoPretty } from './pretty.ts';
import { LineLimiter } from './line-limiter.ts';

export type LogFormat = 'auto' | 'pretty' | 'json';

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What belongs to a line, for programs that read it. */
export type Fields = Readonly<Record<string, unknown>>;

/** The log: one line for each event, a sentence for people with fields for programs. */
export class Log {
  private readonly logger: Logger;
  private readonly limiter: LineLimiter;

  constructor(logger: Logger) {
    this.logger = logger;
    this.limiter = new LineLimiter((skipped, code) =>
      this.warn(`${skipped} more lines about ${code} were left out`, { code, skipped }),
    );
  }

  /** Whether lines of the level debug are written at all: for those that would cost much to put together. */
  get isDebug(): boolean {
    return this.logger.isLevelEnabled('debug');
  }

  debug(message: string, fields: Fields = {}): void {
    this.write('debug', message, fields);
  }

  info(message: string, fields: Fields = {}): void {
    this.write('info', message, fields);
  }

  warn(message: string, fields: Fields = {}): void {
    this.write('warn', message, fields);
  }

  error(message: string, fields: Fields = {}): void {
    this.write('error', message, fields);
  }

  fatal(message: string, fields: Fields = {}): void {
    this.write('fatal', message, fields);
  }

  /** A warning that strangers can cause as often as they like: some a second for each code, then only their number. */
  limited(code: string, message: string, fields: Fields = {}): void {
    if (this.limiter.admit(code)) this.warn(message, { code, ...fields });
  }

  private write(level: Level, message: string, fields: Fields): void {
    this.logger[level](fields, message);
  }
}

/** A log on standard output: for people in a terminal, one JSON object a line elsewhere. */
export function createLog(level: LogLevel, format: LogFormat): Log {
  const isPretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  // Written at once: nothing is lost when the program ends, and no worker holds up its end.
  const stream = isPretty ? pinoPretty() : pino.destination({ dest: 1, sync: true });
  return new Log(pino(options, stream));
}
