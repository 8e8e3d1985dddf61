import { globals } from '../platform.ts';
import { exception } from './dom.ts';

export interface ChannelUrl {
  /** By ws or wss, as `WebSocket.url` shows it. */
  readonly href: string;
  readonly origin: string;
  /** What a Beacon connects to. */
  readonly server: string;
  readonly channel: string;
  readonly since: string | undefined;
  readonly echo: boolean;
}

/** Reads `wss://host/channels/news?since=10m&echo=0`. @throws {DOMException} `SyntaxError` */
export function readChannelUrl(text: string): ChannelUrl {
  try {
    const url = new globals.URL(text, globals.location?.href);
    url.protocol = url.protocol.replace(/^http/, 'ws');
    const [, base = '', name = ''] = /^(.*)\/channels\/([^/]+)$/.exec(url.pathname)!;
    const { since, echo } = Object.fromEntries(
      [...url.search.matchAll(/[?&](since|echo)=([^&]*)/g)].map(([, key, value]) => [key, decodeURIComponent(value!)]),
    ) as { since?: string; echo?: string };
    return {
      href: url.href,
      origin: `${url.protocol}//${url.host}`,
      server: `${url.protocol}//${url.host}${base}`,
      channel: decodeURIComponent(name),
      since,
      echo: echo !== '0',
    };
  } catch {
    throw exception('SyntaxError', `${text} is no URL of a channel: pass one such as wss://example.com/channels/news`);
  }
}
