/** What somebody at the prompt wants. */
export type Wish =
  | { readonly what: 'send'; readonly text: string }
  | { readonly what: 'ping'; readonly text: string }
  | { readonly what: 'close'; readonly code: number | undefined; readonly reason: string }
  | { readonly what: 'binary'; readonly text: string }
  | { readonly what: 'hex'; readonly text: string }
  | { readonly what: 'file'; readonly path: string }
  | { readonly what: 'help' }
  | { readonly what: 'nothing' }
  | { readonly what: 'mistake'; readonly message: string };

/** The commands of the prompt, for `/help`. */
export const COMMANDS: readonly (readonly [string, string])[] = [
  ['/ping [text]', 'send a ping; its answer is shown with the time it took'],
  ['/close [code] [reason]', 'close the connection; 1000 unless told'],
  ['/binary text', 'send the text as a binary message'],
  ['/hex 00 ff …', 'send these bytes as a binary message'],
  ['/file path', 'send a file as a binary message'],
  ['//text', 'send a message that begins with a slash'],
  ['/help', 'this list'],
];

const CLOSE = /^(?:(\d+)(?:\s+(.*))?)?$/s;

/** Reads a line that was typed. An empty one is nothing: it is easily sent by mistake. */
export function readWish(line: string): Wish {
  if (line === '') return { what: 'nothing' };
  if (!line.startsWith('/')) return { what: 'send', text: line };
  if (line.startsWith('//')) return { what: 'send', text: line.slice(1) };
  const [, name = '', rest = ''] = /^\/(\S*)\s*(.*)$/s.exec(line)!;
  switch (name) {
    case 'ping':
      return { what: 'ping', text: rest };
    case 'close':
      return readClose(rest);
    case 'binary':
    case 'hex':
      return { what: name, text: rest };
    case 'file':
      return rest === ''
        ? { what: 'mistake', message: '/file wants the path of a file' }
        : { what: 'file', path: rest };
    case 'help':
      return { what: 'help' };
    default:
      return { what: 'mistake', message: `there is no /${name}: /help lists what there is; //${name} sends it` };
  }
}

function readClose(rest: string): Wish {
  const match = CLOSE.exec(rest);
  if (match === null) return { what: 'mistake', message: '/close wants a code before the reason: /close 1000 done' };
  const [, code, reason = ''] = match;
  return { what: 'close', code: code === undefined ? undefined : Number(code), reason };
}
