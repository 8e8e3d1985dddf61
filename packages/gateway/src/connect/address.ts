import { Failure } from '../failure.ts';

const HAS_SCHEME = /^[a-z][a-z\d+.-]*:\/\/|^wss?\+unix:/i;
/** A port, alone or with a path: as an address it would be one that nobody means. */
const BARE_PORT = /^\d{1,5}(?=$|[/?])/;

/**
 * The URL that is meant by what somebody types: `ws://` may be left out, and for a port of this machine its name, too.
 *
 * @param isUnix a Unix socket is named elsewhere, so that a path is enough
 * @throws Failure where it is a path alone
 */
export function completeUrl(text: string, isUnix: boolean): string {
  if (HAS_SCHEME.test(text)) return text;
  if (text.startsWith(':')) return `ws://localhost${text}`;
  if (BARE_PORT.test(text)) return `ws://localhost:${text}`;
  if (!text.startsWith('/')) return `ws://${text}`;
  if (isUnix) return `ws://localhost${text}`;
  throw new Failure(`${text} is a path without a host: give :8080${text}, or --unix SOCKET beside it`, 2);
}

/**
 * The address of a server of channels: `http://` may be left out, and for a port of this machine its name, too.
 *
 * @returns with a slash at the end of its path, so that paths of the server resolve against it
 * @throws Failure where it is none
 */
export function completeServer(text: string): URL {
  const wrong = (why: string): Failure =>
    new Failure(`the server is ${JSON.stringify(text)}: ${why} (https://example.com, :8080)`, 2);
  if (text.startsWith('/')) throw wrong('give its host');
  const address = completeUrl(text, false).replace(/^ws(?=s?:)/i, 'http');
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address))
    throw wrong('give one that begins with http:// or https://');
  const url = new URL(address);
  if (url.username !== '' || url.password !== '') throw wrong('credentials do not go into it: give --api-key');
  if (url.search !== '' || url.hash !== '') throw wrong('it ends with its path');
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
