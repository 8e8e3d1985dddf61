interface MediaRange {
  /** `text/html`, `text/*` or `*` + `/*`, in lower case, without parameters. */
  readonly type: string;
  readonly quality: number;
}

const QVALUE = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/**
 * Which of the types on offer the client likes best (RFC 9110 §12.5.1): of those that it likes as well, the first. The
 * most specific range that matches a type says how much it is liked. Ranges that cannot be read are none.
 * @returns undefined where it likes none; the first where there is no Accept
 */
export function negotiate<Type extends string>(accept: string | undefined, offers: readonly Type[]): Type | undefined {
  if (accept === undefined || accept.trim() === '') return offers[0];
  const qualities = new Map<string, number>();
  for (const { type, quality } of splitOutsideQuotes(accept, ',').map(readRange)) {
    if (!qualities.has(type)) qualities.set(type, quality);
  }
  let best: Type | undefined;
  let bestQuality = 0;
  for (const offer of offers) {
    const quality =
      qualities.get(offer) ?? qualities.get(`${offer.slice(0, offer.indexOf('/'))}/*`) ?? qualities.get('*/*') ?? 0;
    if (quality <= bestQuality) continue;
    best = offer;
    bestQuality = quality;
  }
  return best;
}

/** Whether the client names a type itself, and not by a wildcard. */
export function namesType(accept: string | undefined, type: string): boolean {
  if (accept === undefined) return false;
  return splitOutsideQuotes(accept, ',').some((text) => {
    const range = readRange(text);
    return range.type === type && range.quality > 0;
  });
}

function readRange(text: string): MediaRange {
  const [type = '', ...parameters] = splitOutsideQuotes(text, ';').map((part) => part.trim().toLowerCase());
  const weight = parameters
    .find((parameter) => parameter.startsWith('q='))
    ?.slice(2)
    .trim();
  if (weight === undefined) return { type, quality: 1 };
  return { type, quality: QVALUE.test(weight) ? Number(weight) : 0 };
}

/** What stands between separators; those within quoted strings are none (RFC 9110 §5.6.4). In one pass. */
export function splitOutsideQuotes(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  let isQuoted = false;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\\' && isQuoted) at++;
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

const WAIT = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;|$)/i;

/** For how many seconds the client would wait (RFC 7240 §4.3). A preference that cannot be read is none. */
export function preferredSeconds(prefer: string | undefined): number | undefined {
  if (prefer === undefined) return undefined;
  for (const preference of splitOutsideQuotes(prefer, ',')) {
    const match = WAIT.exec(preference);
    if (match !== null) return Number(match[1]);
  }
  return undefined;
}

/** Whether If-None-Match names an entity tag, compared weakly (RFC 9110 §13.1.2). */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return splitOutsideQuotes(ifNoneMatch, ',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
