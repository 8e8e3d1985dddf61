import { isUtf8 } from 'node:buffer';
import {
  checkJsonDepth,
  type Command,
  CommandError,
  type HelloCommand,
  quote,
  readCommand,
  type SubscribeCommand,
  WireError,
} from '@pulsebeacon/wire';

/** What a POST to `/connect` says: who the client is, and what it wants. */
export interface ConnectBody {
  readonly hello: HelloCommand;
  /** In order; what cannot be read is answered in its place. */
  readonly commands: readonly (Command | CommandError)[];
}

/** What the URL of a WebSocket says, as if it were the first messages. */
export interface ConnectQuery {
  readonly hello: HelloCommand;
  readonly commands: readonly (SubscribeCommand | CommandError)[];
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
  if (!isUtf8(body)) throw new WireError('PB_MESSAGE_INVALID', `the body is not UTF-8: ${hintFor('the body')}`);
  return parse(body.toString(), 'the body', maxCommands);
}

/**
 * Reads `begin` of a query: the same as a body, as far as it may stand there. A URL is kept, by logs and by whoever stands
 * between: no place for secrets. A GET is safe (RFC 9110 §9.2.1), and may be sent once more: no way to publish.
 * @throws {WireError} as {@link parseConnectBody}; `PB_COMMAND_INVALID` for a secret
 */
export function parseConnectQuery(text: string, maxCommands: number): ConnectQuery {
  const { hello, commands } = parse(text, 'begin', maxCommands);
  if (hello.session !== undefined || hello.authorization !== undefined) {
    throw new WireError(
      'PB_COMMAND_INVALID',
      'a URL is no place for session and authorization: send hello as a message',
    );
  }
  return { hello, commands: commands.map(onlySubscribe) };
}

function onlySubscribe(command: Command | CommandError): SubscribeCommand | CommandError {
  if (command instanceof CommandError || command.type === 'subscribe') return command;
  const detail = `type is ${quote(command.type)}: a URL takes subscribe alone, send the others as messages`;
  return new CommandError(new WireError('PB_COMMAND_INVALID', detail), command.id);
}

/** @param where it stands */
function parse(text: string, where: string, maxCommands: number): ConnectBody {
  const { hello, commands = [] } = parseObject(text, where) as { hello?: unknown; commands?: unknown };
  if (typeof hello !== 'object' || hello === null || Array.isArray(hello)) {
    throw new WireError('PB_HELLO_MISSING', `${where} has no hello: send such as ${EXAMPLE}`);
  }
  if (!Array.isArray(commands)) throw new WireError('PB_MESSAGE_INVALID', 'commands is a list of commands');
  if (commands.length > maxCommands) {
    throw new WireError(
      'PB_TOO_MANY_COMMANDS',
      `${where} has ${commands.length} commands: a request has at most ${maxCommands}`,
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

const hintFor = (where: string): string => `${where} is one JSON object, such as ${EXAMPLE}`;

function parseObject(text: string, where: string): object {
  checkJsonDepth(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new WireError('PB_MESSAGE_INVALID', hintFor(where));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WireError('PB_MESSAGE_INVALID', hintFor(where));
  }
  return value;
}
