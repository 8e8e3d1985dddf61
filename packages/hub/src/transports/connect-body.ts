import { isUtf8 } from 'node:buffer';
import {
  checkJsonDepth,
  type Command,
  CommandError,
  type HelloCommand,
  quote,
  readCommand,
  WireError,
} from '@pulsebeacon/wire';

/** What a POST to `/connect` says: who the client is, and what it wants. */
export interface ConnectBody {
  readonly hello: HelloCommand;
  /** In order; what cannot be read is answered in its place. */
  readonly commands: readonly (Command | CommandError)[];
}

const EXAMPLE = '{"hello":{"versions":[1]},"commands":[{"type":"subscribe","channel":"news"}]}';

/**
 * `application/json`, and `text/plain` with the same in it: with that alone a page of another origin is spared a preflight,
 * one round trip more for each POST. It lets in nobody: the origin of every POST is checked, whatever its type.
 * @throws {WireError} `PB_MEDIA_TYPE`
 */
export function requireJsonType(contentType: string | undefined): void {
  const [type = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  const isJson = type === 'application/json' || type === 'text/plain';
  if (isJson && (charset === undefined || /^"?utf-?8"?$/.test(charset))) return;
  const shown = contentType === undefined ? 'missing' : quote(contentType);
  throw new WireError('PB_MEDIA_TYPE', `Content-Type is ${shown}: send application/json in UTF-8, such as ${EXAMPLE}`);
}

/** @throws {WireError} `PB_MESSAGE_INVALID`, `PB_MESSAGE_DEPTH`, `PB_TOO_MANY_COMMANDS`; what is wrong with `hello` */
export function parseConnectBody(body: Buffer, maxCommands: number): ConnectBody {
  const { hello, commands = [] } = parseObject(body) as { hello?: unknown; commands?: unknown };
  if (typeof hello !== 'object' || hello === null || Array.isArray(hello)) {
    throw new WireError('PB_HELLO_MISSING', `the body has no hello: send such as ${EXAMPLE}`);
  }
  if (!Array.isArray(commands)) throw new WireError('PB_MESSAGE_INVALID', 'commands is a list of commands');
  if (commands.length > maxCommands) {
    throw new WireError(
      'PB_TOO_MANY_COMMANDS',
      `the body has ${commands.length} commands: a request has at most ${maxCommands}`,
    );
  }
  return {
    hello: readCommand({ ...hello, type: 'hello' }) as HelloCommand,
    commands: commands.map((command: unknown) => {
      try {
        return readCommand(command);
      } catch (error) {
        return error as CommandError;
      }
    }),
  };
}

function parseObject(body: Buffer): object {
  const hint = `the body is one JSON object, such as ${EXAMPLE}`;
  if (!isUtf8(body)) throw new WireError('PB_MESSAGE_INVALID', `the body is not UTF-8: ${hint}`);
  const text = body.toString();
  checkJsonDepth(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new WireError('PB_MESSAGE_INVALID', hint);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WireError('PB_MESSAGE_INVALID', hint);
  }
  return value;
}
