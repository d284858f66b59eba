/**
 * Somebody else's text as it may stand in an error, a warning or a log: nothing of it moves a cursor, turns the direction of
 * what follows, or begins a line of its own. Knows nobody whose text it is.
 */

/** Controls (C0, DEL, C1), formats (those that turn directions among them), and what ends lines and paragraphs. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
/** The same, but for what ends the lines of a text that has some. */
const OBEYED_IN_LINES = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** `text` with escapes for all that a terminal would obey. */
export function printable(text: string): string {
  return text.replace(OBEYED, escaped);
}

/** The same for what has lines, such as a stack: none but the first begins at the margin, where a log's own lines do. */
export function printableLines(text: string): string {
  return text.replace(OBEYED_IN_LINES, escaped).replace(/\n(?! )/g, "\n    ");
}

/** `text` between quotes, at most `most` characters of it. */
export function quote(text: string, most = 64): string {
  return printable(JSON.stringify(text.length > most ? `${text.slice(0, most)}…` : text));
}

function escaped(char: string): string {
  let text = "";
  for (let at = 0; at < char.length; at++) text += `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`;
  return text;
}
