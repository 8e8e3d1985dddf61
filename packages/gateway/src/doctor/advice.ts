import type { SeenRequest } from '../probe/contract.ts';
import { seconds } from './duration.ts';
import type { ProxyRefusal } from './way.ts';

/** What to do, in plain sentences. Said once, however many checks lead to it. */
export interface Advice {
  /** Stable: for scripts. */
  readonly code: string;
  readonly text: string;
}

/** What is known of who stands on the way: what the advice can be narrowed to. */
export interface OnTheWay {
  /** `Server` and `Via` of answers. */
  readonly names: string;
  readonly seen: SeenRequest | undefined;
}

type Directives = Readonly<Record<'nginx' | 'HAProxy' | 'Apache' | 'Caddy', string>>;

/** Of the proxy that gave its name away, or of each. */
function directives({ names }: OnTheWay, all: Directives): string {
  const known = Object.entries(all).filter(([product]) => names.toLowerCase().includes(product.toLowerCase()));
  return (known.length === 0 ? Object.entries(all) : known).map(([product, what]) => `${product}: ${what}`).join('. ');
}

export function passUpgradeOn(way: OnTheWay): Advice {
  const version =
    way.seen?.httpVersion === '1.0'
      ? 'The request arrived as HTTP/1.0, which has no upgrades: nginx speaks that to its upstream unless it has proxy_http_version 1.1. '
      : '';
  return {
    code: 'pass-upgrade-on',
    text:
      `The server did not see the header fields Upgrade and Connection: a proxy on the way has to be told to pass them on. ${version}` +
      `${directives(way, {
        nginx:
          'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; proxy_set_header Host $http_host; deploy/nginx/websocket.conf has them, for WebSocket alone',
        HAProxy: 'mode http passes them on by itself, unless http-request del-header Upgrade takes them away',
        Apache:
          'ProxyPass "/" "http://…/" upgrade=websocket, with mod_proxy_http (2.4.47 and later), and ProxyPreserveHost On',
        Caddy: 'reverse_proxy passes them on by itself, unless header_up -Upgrade takes them away',
      })}. Until then clients get through by SSE, ndjson or long poll, as @pulsebeacon/client does by itself and pulsebeacon subscribe does with --transport.`,
  };
}

export function answeredByOther(status: number, way: OnTheWay): Advice {
  const who = way.names === '' ? 'Somebody on the way' : `Somebody on the way (${way.names})`;
  return {
    code: 'answered-on-the-way',
    text: `${who} answered the WebSocket handshake with ${status}, and not the server, whose ordinary requests arrive: see what the proxy's own log says of it, and whether a rule of it (a firewall, a filter of categories) refuses Upgrade: websocket. Over TLS (wss://) most such rules cannot look inside.`,
  };
}

export const HANDSHAKE_SWALLOWED: Advice = {
  code: 'handshake-swallowed',
  text: 'Ordinary requests are answered, the WebSocket handshake is not: something on the way ends or holds a connection on which it sees Upgrade. Over TLS (wss://) it cannot look inside; behind a TLS proxy of your own, see its log and its timeouts. @pulsebeacon/client goes on by SSE or long poll.',
};

export const BAD_ANSWER: Advice = {
  code: 'handshake-answered-wrongly',
  text: 'The answer to the handshake is not what RFC 6455 §4.2.2 asks of the server (Sec-WebSocket-Accept, Upgrade, Connection): something on the way answers by itself, or changes the header. Over TLS (wss://) it cannot.',
};

export const FRAMES_SWALLOWED: Advice = {
  code: 'frames-swallowed',
  text: 'The handshake passes and messages do not come back: something on the way takes the 101 for an ordinary answer and does not carry what follows, or keeps it back. Over TLS (wss://) it cannot look inside. A virus scanner, or a proxy that looks at traffic, has to be told to leave this address alone.',
};

export function refusedByServer(detail: string): Advice {
  return { code: 'refused-by-server', text: `The server itself refuses: ${detail}` };
}

/** @param origin of a page at the address that was asked for */
export function originRefused(origin: string, way: OnTheWay): Advice {
  const host = way.seen?.fields.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? 'another one';
  return {
    code: 'origin',
    text: `Pages of ${origin} may neither open WebSockets nor publish; programs, which send no Origin, may. The server compares the Origin of a page with the host that it is asked for, and that arrives as ${host}, or with its --public-url. Let the proxy pass Host on as it came (${directives(
      way,
      {
        nginx: 'proxy_set_header Host $http_host',
        HAProxy: 'it does by itself, unless http-request set-header Host changes it',
        Apache: 'ProxyPreserveHost On',
        Caddy: 'it does by itself, unless header_up Host changes it',
      },
    )}), or start the server with --public-url ${origin}.`,
  };
}

export const SUBPROTOCOL_LOST: Advice = {
  code: 'subprotocol-lost',
  text: 'Sec-WebSocket-Protocol does not pass: a browser that asked for a subprotocol then fails the connection. The proxy has to pass that field on, both ways.',
};

export const EXTENSIONS_LOST: Advice = {
  code: 'extensions-lost',
  text: 'Sec-WebSocket-Extensions does not pass, so nothing is compressed (permessage-deflate); all else works. A proxy that takes part in the frames, such as one that looks at traffic, does that on purpose.',
};

export const LARGE_MESSAGES: Advice = {
  code: 'large-messages',
  text: 'Messages of 60 KiB do not come through whole, and small ones do: something on the way looks at frames, and has a limit of its own for their size. Raise that limit, or send messages in fragments (fragmentSize of send).',
};

export const FRAGMENTS: Advice = {
  code: 'fragments',
  text: 'Messages in fragments (RFC 6455 §5.4) do not come through: something on the way takes part in the frames and does not know them.',
};

export function unbuffered(way: OnTheWay): Advice {
  return {
    code: 'buffered',
    text:
      'The stream is held back until it ends, or until a buffer is full: events would come late, or never. Our streams say X-Accel-Buffering: no and Cache-Control: no-transform, and something on the way does not follow that. ' +
      `${directives(way, {
        nginx: 'proxy_buffering off; and no proxy_ignore_headers X-Accel-Buffering; gzip off for these types',
        HAProxy: 'option http-no-delay, and no http-response wait-for-body',
        Apache: 'ProxyPass … flushpackets=on, and no mod_deflate or mod_cache for these types',
        Caddy: 'flush_interval -1 in reverse_proxy',
      })}. A virus scanner or a company's proxy does the same to everything without TLS: use https://. WebSocket and long poll are not held back by it.`,
  };
}

export const COMPRESSED: Advice = {
  code: 'compressed',
  text: 'Something on the way compresses the stream, though Cache-Control: no-transform forbids it (RFC 9111 §5.2.2.6). As long as each line arrives at once that does no harm; where lines are late, switch it off for text/event-stream and application/x-ndjson (nginx: gzip_types, Apache: mod_deflate, HAProxy: compression type).',
};

export const CACHED: Advice = {
  code: 'cached',
  text: 'The answer is not to this request: a cache on the way gives out copies although the answer says Cache-Control: no-store. It has to be told to leave this server alone.',
};

/** @param after milliseconds until it was cut @param withPings whether pings keep it alive; undefined: not known */
export function idleCut(after: number, withPings: boolean | undefined, way: OnTheWay): Advice {
  const at = seconds(after);
  const pings =
    withPings === true
      ? 'Pings keep it alive: leave pingInterval (25 s on our servers and clients) below that.'
      : withPings === false
        ? `Pings as often as ours by default (every 25 s) do not keep it alive: set pingInterval, and pulsebeacon connect --ping-interval, to less than ${at}, or raise the timeout.`
        : `Something has to be sent more often than that: set pingInterval to less than ${at}.`;
  return {
    code: 'idle-websocket-cut',
    text: `An idle WebSocket is cut after ${at}. ${pings} Timeouts on the way: ${directives(way, {
      nginx: 'proxy_read_timeout (60s unless told otherwise)',
      HAProxy: 'timeout tunnel',
      Apache: 'ProxyTimeout, or timeout= of ProxyPass',
      Caddy: 'read_timeout in transport http',
    })}. Firewalls and NAT have some, too, and forget connections without a word.`,
  };
}

export function streamCut(after: number, way: OnTheWay): Advice {
  const at = seconds(after);
  return {
    code: 'idle-stream-cut',
    text: `A stream that says nothing is cut after ${at}. Streams of channels say something every 15 s, /connect every 3 s (--heartbeat); polls wait for 25 s (--poll-timeout). Raise the timeout where it is shorter, or set those below ${at}: ${directives(
      way,
      {
        nginx: 'proxy_read_timeout 60s',
        HAProxy: 'timeout server 60s and timeout client 60s',
        Apache: 'ProxyTimeout 60',
        Caddy: 'read_timeout 60s in transport http',
      },
    )}.`,
  };
}

export function pollCut(waited: number): Advice {
  const at = seconds(waited);
  return {
    code: 'poll-cut',
    text: `A request that is answered after ${at} does not get its answer: a timeout on the way is shorter. Let polls wait less: pulsebeacon serve --poll-timeout, ?wait= of the request; or raise the proxy's timeout (nginx: proxy_read_timeout, HAProxy: timeout server, Apache: ProxyTimeout).`,
  };
}

export const NO_ADDRESS: Advice = {
  code: 'name',
  text: 'The name has no address: check it for typing errors, and the name server of this machine. Where only a proxy knows names of the outside, give --proxy, or set HTTPS_PROXY.',
};

export const NOT_REACHED: Advice = {
  code: 'connection',
  text: 'No connection comes about: check the port, that the server runs and listens on an address that can be reached from here (--host 0.0.0.0 of pulsebeacon serve; by default it is 127.0.0.1), and that no firewall is in between.',
};

/** @param refusal undefined: it did not answer at all, or nothing that could be read */
export function refusedByProxy(refusal: ProxyRefusal | undefined): Advice {
  if (refusal?.status === 407) return { code: 'proxy-login', text: howToLogIn(refusal) };
  if (refusal !== undefined && isOfGateway(refusal.status)) {
    return {
      code: 'proxy-unreached',
      text: `The forward proxy says by ${refusal.status} that it does not reach the server: check the address, that the server runs, and that it may be reached from where the proxy is.`,
    };
  }
  return {
    code: 'tunnel',
    text: 'The forward proxy opens no tunnel to the server. Most proxies open tunnels (CONNECT) to port 443 alone: use wss:// on port 443, or have the port allowed. SSE, ndjson and long poll over http:// need no tunnel.',
  };
}

function howToLogIn({ schemes, hadLogin }: ProxyRefusal): string {
  if (!hadLogin) {
    return 'The forward proxy wants to know who asks (407): --proxy http://USER:PASSWORD@HOST:PORT, or the same in the variable of the environment that names it.';
  }
  const isKnown = schemes.length === 0 || schemes.some((scheme) => scheme === 'basic' || scheme === 'digest');
  return isKnown
    ? 'The forward proxy does not accept the name and the password that it was given (407): check them; what is special in an address is percent-encoded there (@ is %40).'
    : `The forward proxy wants a login by ${schemes.join(' or ')} (407), which takes more than a name and a password: programs answer it with the option \`authentication\` of the client. A proxy of your own in between, such as px or cntlm, does it for all.`;
}

/** @param url that was asked @param location where the answer points to */
export function pointsElsewhere(url: URL, location: string): Advice {
  const base = url.href.replace(/^ws/, 'http');
  const target = URL.canParse(location, base) ? new URL(location, base) : undefined;
  const where = target === undefined || target.origin === new URL(base).origin ? location : target.origin;
  return {
    code: 'redirect',
    text: `The address points elsewhere, to ${where}: give that one to the doctor. Browsers follow no redirect for a WebSocket, so that clients have to be given the address where it is; pulsebeacon connect does with --location.`,
  };
}

/** What a proxy answers that has no server, or none that answers (RFC 9110 §15.6). */
export const isOfGateway = (status: number): boolean => status === 502 || status === 503 || status === 504;

/** @param names of who answered */
export function noAnswerBehind(status: number, names: string): Advice {
  const who = names === '' ? 'Whoever answers' : `Whoever answers (${names})`;
  return {
    code: 'no-server-behind',
    text: `${who} is a proxy, or takes itself for one, and says by ${status} that it gets no answer from the server behind it: see that the server runs, and compare the address that it listens on with that in the proxy's configuration (nginx: proxy_pass, HAProxy: server, Apache: ProxyPass, Caddy: reverse_proxy), whose log says why.`,
  };
}

export function certificate(text: string): Advice {
  return { code: 'certificate', text };
}

export const NO_TLS: Advice = {
  code: 'tls',
  text: 'TLS does not come about: check that the port speaks TLS (wss:// is for TLS, ws:// without), and that both ends have a version in common (ours take 1.2 and 1.3).',
};

export const NO_HTTP2_WEBSOCKET: Advice = {
  code: 'http2-websocket',
  text: 'HTTP/2 is spoken, WebSocket over it (RFC 8441) is not: clients open a connection of their own over HTTP/1.1 for each WebSocket, which works. A proxy has to know extended CONNECT to change that: HAProxy does (2.4 and later), Apache with H2WebSockets on; nginx does not.',
};

export const NO_ROOM: Advice = {
  code: 'no-room',
  text: 'The server has no room for more probes at the moment, or this address has asked for too many: try again in a minute.',
};

export const STREAM_FAILED: Advice = {
  code: 'stream-failed',
  text: 'Ordinary requests are answered, and streams are not: see what the log of the proxy says of /probe/stream.',
};

export const HTTP_FAILED: Advice = {
  code: 'http',
  text: 'No ordinary request is answered, so there is nothing to say of the rest. Where TLS is spoken at this port, begin the URL with wss://; see also the log of the server, and of the proxy before it.',
};

export function unknownHost(detail: string): Advice {
  return {
    code: 'host',
    text: `The server does not know the name by which it is asked (421): ${detail}. Start it with --public-url and the URL that browsers use, or let the proxy pass on Host as it came (nginx: proxy_set_header Host $http_host; HAProxy and Caddy do; Apache: ProxyPreserveHost On).`,
  };
}
