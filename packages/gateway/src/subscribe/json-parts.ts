/*
 * What JSON.parse makes of a payload is not what was published: 1.0 comes out as 1, 12345678901234567890 as another
 * number. So a payload is cut out of its envelope as it stands there.
 */

/** Strings, brackets, commas and colons, everything else between them. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},:]|[^\s"[\]{},:]+/g;

/**
 * The members of a JSON object, or the items of an array, as their text stands in it; items have their index as name.
 * @param json what JSON.parse takes; of anything else the result is anything
 */
export function jsonParts(json: string): Map<string, string> {
  const parts = new Map<string, string>();
  const isObject = json.trimStart().startsWith('{');
  let depth = 0;
  let start = -1;
  let end = 0;
  let name: string | undefined;
  const finish = (): void => {
    if (start === -1) return;
    parts.set(name ?? String(parts.size), json.slice(start, end));
    start = -1;
    name = undefined;
  };
  for (const { 0: token, index } of json.matchAll(TOKEN)) {
    const isClosing = token === '}' || token === ']';
    if (depth === 1 && (token === ',' || isClosing)) finish();
    else if (depth === 1 && token === ':' && isObject) {
      name = JSON.parse(json.slice(start, end)) as string;
      start = -1;
    } else if (depth >= 1 && start === -1) start = index;
    end = index + token.length;
    if (token === '{' || token === '[') depth++;
    else if (isClosing) depth--;
  }
  return parts;
}
