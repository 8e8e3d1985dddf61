import { percentDecode } from './percent-decode.ts';

/** Names in a query whose values are secrets. */
const SECRET_NAME =
  /token|secret|passw|pwd|credential|signature|session|authorization|^(?:sig|auth|code|key|jwt|sid|pass|ticket)$|[_-]key$|(?:api|access)key/i;

/** An address as it may be logged: no userinfo, no fragment, and no values of what is named like a secret. */
export function maskUrl(text: string): string {
  return maskQuery(withoutUserinfo(text.replace(/#.*$/s, '')));
}

/** An address as it was given, but for the name and the password in it. */
export function withoutUserinfo(text: string): string {
  return text.replace(/^([a-z][\w+.-]*:)?\/\/[^/?#]*@/i, '$1//');
}

/** The names of what JSON has, as in `begin` of `/connect`. */
const MEMBER_NAME = /"([^"]*)"\s*:/g;

/**
 * A request target, or an address, as it may be logged: without the values of what is named like a secret in its query,
 * such as `access_token`, `key` or `session`, or is JSON with something so named.
 */
export function maskQuery(text: string): string {
  const start = text.indexOf('?');
  if (start === -1) return text;
  const pairs = text
    .slice(start + 1)
    .split('&')
    .map((pair) => {
      const name = pair.split('=', 1)[0]!;
      if (name.length === pair.length) return pair;
      const value = pair.slice(name.length + 1);
      return SECRET_NAME.test(percentDecode(name)) || hasSecretMember(percentDecode(value)) ? `${name}=…` : pair;
    });
  return `${text.slice(0, start)}?${pairs.join('&')}`;
}

function hasSecretMember(value: string): boolean {
  for (const [, name] of value.matchAll(MEMBER_NAME)) if (SECRET_NAME.test(name!)) return true;
  return false;
}
