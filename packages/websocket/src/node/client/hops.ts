/** One request on the way to a connection, and how it ended. Secrets in the addresses are masked. */
export interface Hop {
  /** What was asked for; of a CONNECT what the tunnel was to lead to. */
  readonly url: string;
  /** The proxy that answered. */
  readonly proxy?: string;
  /** Undefined where no answer came. */
  readonly status: number | undefined;
  /** Where the answer pointed to. */
  readonly location?: string;
}

/** Names in a query whose values are secrets. */
const SECRET_NAME =
  /token|secret|passw|pwd|credential|signature|session|^(?:sig|auth|code|key|jwt|sid)$|[_-]key$|apikey/i;

/** An address as it may be logged: no userinfo, no fragment, and no values of what is named like a secret. */
export function maskUrl(text: string): string {
  return maskQuery(withoutUserinfo(text.replace(/#.*$/s, '')));
}

/** An address as it was given, but for the name and the password in it. */
export function withoutUserinfo(text: string): string {
  return text.replace(/^([a-z][\w+.-]*:)?\/\/[^/?#]*@/i, '$1//');
}

function maskQuery(text: string): string {
  const start = text.indexOf('?');
  if (start === -1) return text;
  const pairs = text
    .slice(start + 1)
    .split('&')
    .map((pair) => {
      const name = pair.split('=', 1)[0]!;
      return SECRET_NAME.test(name) && name.length < pair.length ? `${name}=…` : pair;
    });
  return `${text.slice(0, start)}?${pairs.join('&')}`;
}
