/*
 * What a stranger sends must not move the cursor, change colours, set the title of the window, or answer in the user's
 * name (terminals take such orders as characters). Marks that turn the direction of writing around are shown, too.
 */

/** C0 but for the tabulator and the line feed, DEL, C1, and the marks of bidirectional text. */
// oxlint-disable-next-line no-control-regex
const DANGEROUS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function visible(character: string): string {
  const code = character.charCodeAt(0);
  if (code === 0x0d) return '\\r';
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : unicodeEscape(character);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** For a terminal: lines and tabulators stay what they are, everything else that acts on it is made visible. */
export function escapeControls(text: string): string {
  return text.replace(DANGEROUS, visible);
}

/** For a line of its own: line feeds and tabulators are made visible, too. */
export function escapeLine(text: string): string {
  return escapeControls(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/** For a terminal: the same JSON, with what `JSON.stringify` lets through written as escapes. */
export function escapeJson(json: string): string {
  return json.replace(DANGEROUS, unicodeEscape);
}
