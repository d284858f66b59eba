/**
 * The grammar of HTTP header values: tokens, comma lists, parameters, quoted strings (RFC 7230 §3.2.6 and §7, RFC 6455
 * §9.1). Every function reads its text once from left to right. Knows no header by name.
 */

/** One parameter of a list element, such as `server_max_window_bits=10`. */
export interface Parameter {
  /** A token, its case kept. */
  readonly name: string;
  /** Without its quotes and escapes; undefined when the parameter is a bare name. */
  readonly value: string | undefined;
}

/** One element of a list, such as `permessage-deflate; client_max_window_bits`. Order and repetition are kept. */
export interface ListElement {
  /** A token, its case kept. */
  readonly name: string;
  /** What stands behind its semicolons. */
  readonly parameters: readonly Parameter[];
}

const TAB = 0x09;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

const IN_TOKEN = 1;
const IN_PRODUCT = 2;

/** What each of the first 128 characters may be part of. */
const CLASSES = /* @__PURE__ */ classify();

function classify(): Uint8Array {
  const classes = new Uint8Array(128);
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (const char of `!#$%&'*+-.^_\`|~0123456789${letters}`) classes[char.charCodeAt(0)] = IN_TOKEN | IN_PRODUCT;
  classes[SLASH] = IN_PRODUCT;
  return classes;
}

/** Whether `text` is a token (RFC 7230 §3.2.6): not empty, no space, no separator, ASCII only. */
export function isToken(text: string): boolean {
  return text !== "" && skip(text, 0, IN_TOKEN) === text.length;
}

/** Whether `text` may be a header value: tabs, spaces, visible characters and 0x80 to 0xFF (RFC 7230 §3.2). */
export function isFieldValue(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff || code === 0x7f || (code < SPACE && code !== TAB)) return false;
  }
  return true;
}

/** `text` without the spaces and tabs around it. `String.trim` would take a 0xA0 too, which is a letter here. */
export function trimSpace(text: string): string {
  const start = skipSpace(text, 0);
  let end = text.length;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** The tokens of a comma list, at least one, or undefined when it is anything else. Empty elements count for nothing. */
export function parseTokens(list: string): string[] | undefined {
  const tokens: string[] = [];
  const wellFormed = eachElement(list, IN_TOKEN, (token) => tokens.push(token));
  return wellFormed && tokens.length > 0 ? tokens : undefined;
}

/** Whether the comma list is well-formed and has `token`, which is given in lower case; case does not matter in `list`. */
export function hasToken(list: string, token: string): boolean {
  return hasElement(list, token, IN_TOKEN);
}

/** As `hasToken`, for the `name/version` elements of an Upgrade header (RFC 7230 §6.7). */
export function hasProduct(list: string, product: string): boolean {
  return hasElement(list, product, IN_PRODUCT);
}

function hasElement(list: string, wanted: string, inElement: number): boolean {
  // One that is as long has it alone, or not at all.
  if (list.length === wanted.length) {
    return skip(list, 0, inElement) === list.length && list.toLowerCase() === wanted;
  }
  let found = false;
  const wellFormed = eachElement(list, inElement, (element) => {
    found ||= element.length === wanted.length && element.toLowerCase() === wanted;
  });
  return wellFormed && found;
}

/** Says false when the list is not well-formed. */
function eachElement(list: string, inElement: number, visit: (element: string) => void): boolean {
  let at = 0;
  for (;;) {
    const start = skipSpace(list, at);
    at = skip(list, start, inElement);
    if (at > start) visit(list.slice(start, at));
    at = skipSpace(list, at);
    if (at === list.length) return true;
    if (list.charCodeAt(at) !== COMMA) return false;
    at++;
  }
}

/**
 * The elements of a comma list with their parameters, at least one element, or undefined when it is anything else.
 * Space may stand around each separator, as the grammar of RFC 2616 has it, which RFC 6455 §9.1 uses.
 */
export function parseElements(list: string): ListElement[] | undefined {
  const elements: ListElement[] = [];
  let at = 0;
  for (;;) {
    at = skipSpace(list, at);
    if (at === list.length) return elements.length > 0 ? elements : undefined;
    if (list.charCodeAt(at) === COMMA) {
      at++;
      continue;
    }

    const nameEnd = skip(list, at, IN_TOKEN);
    if (nameEnd === at) return undefined;
    const name = list.slice(at, nameEnd);
    const parameters: Parameter[] = [];
    at = skipSpace(list, nameEnd);

    while (list.charCodeAt(at) === SEMICOLON) {
      const start = skipSpace(list, at + 1);
      at = skip(list, start, IN_TOKEN);
      if (at === start) return undefined;
      const parameter = list.slice(start, at);
      at = skipSpace(list, at);
      if (list.charCodeAt(at) !== EQUALS) {
        parameters.push({ name: parameter, value: undefined });
        continue;
      }
      at = skipSpace(list, at + 1);
      const value = readValue(list, at);
      if (value === undefined) return undefined;
      parameters.push({ name: parameter, value: value.text });
      at = skipSpace(list, value.end);
    }

    elements.push({ name, parameters });
    if (at < list.length && list.charCodeAt(at) !== COMMA) return undefined;
  }
}

/** A token, or a quoted string that is a token once its escapes are undone (RFC 6455 §9.1). */
function readValue(list: string, start: number): { text: string; end: number } | undefined {
  if (list.charCodeAt(start) !== QUOTE) {
    const end = skip(list, start, IN_TOKEN);
    return end === start ? undefined : { text: list.slice(start, end), end };
  }
  let text = "";
  let at = start + 1;
  while (at < list.length && list.charCodeAt(at) !== QUOTE) {
    if (list.charCodeAt(at) === BACKSLASH) at++;
    if (skip(list, at, IN_TOKEN, at + 1) === at) return undefined;
    text += list[at];
    at++;
  }
  return at === list.length || text === "" ? undefined : { text, end: at + 1 };
}

function skip(text: string, start: number, wanted: number, end: number = text.length): number {
  let at = start;
  while (at < end && at < text.length && ((CLASSES[text.charCodeAt(at)] ?? 0) & wanted) !== 0) at++;
  return at;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB;
}
