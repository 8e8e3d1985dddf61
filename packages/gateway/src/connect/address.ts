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
