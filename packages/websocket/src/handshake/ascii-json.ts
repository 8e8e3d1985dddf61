/** JSON in printable ASCII alone, so that a peer's text can reach neither a terminal nor an HTML parser unescaped. */
export function toAsciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[^ -;=?-~]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
