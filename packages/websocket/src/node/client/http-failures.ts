import type { ConnectFailureEntry } from './connect-failures.ts';

/** The stable code of what goes wrong in HTTP, on the way to the answer that would open the connection. */
export type HttpFailureCode =
  | 'PB_CREDENTIALS_REJECTED'
  | 'PB_CHALLENGE_UNSUPPORTED'
  | 'PB_REDIRECT_INVALID'
  | 'PB_REDIRECT_TOO_MANY'
  | 'PB_REDIRECT_LOOP'
  | 'PB_REDIRECT_DOWNGRADE'
  | 'PB_PROXY_STATUS'
  | 'PB_PROXY_DATA'
  | 'PB_HTTP2_UNAVAILABLE'
  | 'PB_HTTP2_REFUSED'
  | 'PB_SERVER_UNPROVEN'
  | 'PB_CONNECT_CALLBACK';

const entry = (section: string, message: string, remedy: string): ConnectFailureEntry => ({
  section,
  retry: false,
  message,
  remedy,
});

/** Every such reason. Of `PB_PROXY_STATUS` the status decides whether trying again may help. */
export const HTTP_FAILURES: Readonly<Record<HttpFailureCode, ConnectFailureEntry>> = {
  PB_CREDENTIALS_REJECTED: entry(
    'RFC 9110 §11.4',
    'the credentials were not accepted',
    'check the name and the password, or the token',
  ),
  PB_CHALLENGE_UNSUPPORTED: entry(
    'RFC 9110 §11.3',
    'none of the schemes that are asked for can be answered with the credentials that are given',
    'give credentials that fit, or answer it with `authentication`',
  ),
  PB_REDIRECT_INVALID: entry(
    'RFC 9110 §10.2.2',
    'the redirect leads nowhere: Location is missing, or is no http:, https:, ws: or wss: address',
    'see what the server sends as Location',
  ),
  PB_REDIRECT_TOO_MANY: entry(
    'RFC 9110 §15.4',
    'there are more redirects than `redirects.max`',
    'connect to the last address, or raise redirects.max',
  ),
  PB_REDIRECT_LOOP: entry('RFC 9110 §15.4', 'the redirects go round in a circle', 'see how the server redirects'),
  PB_REDIRECT_DOWNGRADE: entry(
    'RFC 9110 §17.9',
    'the redirect leads from TLS to no TLS',
    'connect to the address yourself, or allow it with redirects.allowDowngrade',
  ),
  PB_PROXY_STATUS: entry(
    'RFC 9110 §9.3.6',
    'the proxy opens no tunnel',
    'see what the proxy allows: which hosts, and which ports',
  ),
  PB_PROXY_DATA: entry(
    'RFC 9110 §9.3.6',
    'bytes came through the tunnel before anything was asked for',
    'see what the proxy, and what is behind it, are',
  ),
  PB_HTTP2_UNAVAILABLE: entry(
    'RFC 8441 §3',
    'the server offers no WebSocket over HTTP/2',
    "connect with httpVersion 'auto' or '1.1'",
  ),
  PB_HTTP2_REFUSED: {
    ...entry(
      'RFC 9113 §8.7',
      'the server refuses every stream, unseen',
      "try again later, or connect with httpVersion '1.1'",
    ),
    retry: true,
  },
  PB_SERVER_UNPROVEN: entry(
    'RFC 7616 §3.5',
    'the server gives a proof that it knows the password, and the proof is wrong',
    'somebody else may answer in its place; see what is between here and there',
  ),
  PB_CONNECT_CALLBACK: entry(
    '',
    'a function of the application that was asked on the way failed',
    'see the cause: it is what the function threw',
  ),
};
