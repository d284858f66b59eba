/**
 * `hawser/xml`: messages that are XML, read by the package `fast-xml-parser` 5, which whoever imports this installs. What
 * a document has besides elements, attributes and text never reaches that parser: comments, instructions
 * and CDATA are taken out here, a document type is refused, and with it every entity but XML's own.
 *
 * @module
 */

import { XMLParser } from "fast-xml-parser";
import { format, type FormatBinder, toText } from "../binding/binder.ts";
import { bounded, MAX_SENTENCE } from "../binding/issues.ts";
import { PayloadBindingError } from "../errors.ts";

export type { Binder, FormatBinder } from "../binding/binder.ts";
export type { SchemaIssue } from "../binding/issues.ts";
export type { SchemaResult, StandardSchema } from "../binding/schema.ts";

/** Options of `xmlWithin`: what a message may cost. What passes a limit is refused as if it were no XML. */
export interface XmlLimits {
  /** Characters of the message. The parser takes about a third of a second for a million. Default 1 048 576. */
  readonly maxLength?: number;
  /** Elements around an element, itself included. Default 100. */
  readonly maxDepth?: number;
  /** Tags, attributes, comments, instructions and CDATA sections, together. Default 50 000. */
  readonly maxNodes?: number;
}

const DEFAULTS: Required<XmlLimits> = { maxLength: 1_048_576, maxDepth: 100, maxNodes: 50_000 };

/**
 * XML, in text or in binary as UTF-8: an object with the root element's name. An element is a string when it has text
 * only, else an object of its children, its attributes (`@_name`) and its text (`#text`); a list where it occurs more than
 * once among its siblings. All values are strings. Space around child elements is left out, other text is as it was sent.
 * What is not XML is a `PayloadBindingError`. Called with a schema, it binds what that makes of the object.
 */
export const xml: FormatBinder<unknown> = xmlWithin({});

/**
 * The same as `xml`, with other limits.
 *
 * @throws {RangeError} when one of them is no positive integer
 * @throws {TypeError} for a name that is no limit
 */
export function xmlWithin(limits: XmlLimits): FormatBinder<unknown> {
  const most = { ...DEFAULTS, ...limits };
  for (const [name, value] of Object.entries(most)) {
    if (!(name in DEFAULTS)) throw new TypeError(`Cannot use the limit "${name}": there is none of that name`);
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`Cannot use the limit "${name}": ${value} is not a positive integer`);
    }
  }
  const parser = parserFor(most.maxDepth);
  return format((message) => {
    const plain = plainXml(toText(message), most);
    try {
      return parser.parse(plain, true);
    } catch (error) {
      if (error instanceof PayloadBindingError) throw error;
      // The parser's sentence quotes the message, in whatever length.
      const said = error instanceof Error ? error.message : String(error);
      throw notXml("is not well-formed", new Error(bounded(said, MAX_SENTENCE)));
    }
  });
}

function parserFor(maxNestedTags: number): XMLParser {
  return new XMLParser({
    maxNestedTags,
    ignoreAttributes: false,
    // What a value is, is a schema's to say: "007" is no number.
    parseTagValue: false,
    trimValues: false,
    // With a path for each element, long names that lie in each other would cost the square of their length.
    jPath: false,
    tagValueProcessor: (_name, value, _path, _hasAttributes, isLeaf) => isLeaf || TEXT.test(value) ? value : "",
    // Names such as "toString" stay what they are; "__proto__", "constructor" and "prototype" are an error of the parser's.
    onDangerousProperty: (name) => name,
    entityDecoder: { decode, reset() {}, setXmlVersion() {}, setExternalEntities() {}, addInputEntities() {} },
  });
}

const TEXT = /[^ \t\r\n]/;
const FOREIGN = /[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u; // XML 1.0 §2.2

/**
 * `text` as elements, attributes and text alone, CDATA escaped. Each character is looked at once.
 *
 * @throws {PayloadBindingError} for what passes a limit, has a document type, or is not one element
 */
function plainXml(text: string, { maxLength, maxDepth, maxNodes }: Required<XmlLimits>): string {
  if (text.length > maxLength) throw notXml(`is longer than ${maxLength} characters`);
  if (FOREIGN.test(text)) throw notXml("has a character that XML does not have");
  const plain: string[] = [];
  let nodes = 0;
  let depth = 0;
  let roots = 0;
  const count = (): void => {
    if (++nodes > maxNodes) throw notXml(`has more than ${maxNodes} nodes`);
  };
  const keep = (part: string): void => {
    if (depth === 0 && TEXT.test(part)) throw notXml("has text outside of its root element");
    plain.push(part);
  };

  // A byte order mark is no part of the document.
  let at = text.startsWith("\ufeff") ? 1 : 0;
  for (let next = text.indexOf("<", at); next !== -1; next = text.indexOf("<", at)) {
    keep(text.slice(at, next));
    count();
    if (text.startsWith("<!--", next)) at = after(text, "-->", next + 4);
    else if (text.startsWith("<?", next)) at = after(text, "?>", next + 2);
    else if (text.startsWith("<![CDATA[", next)) {
      at = after(text, "]]>", next + 9);
      keep(escape(text.slice(next + 9, at - 3)));
    } else if (text[next + 1] === "!") {
      throw notXml("has a document type");
    } else {
      at = afterTag(text, next + 1, count);
      if (text[next + 1] === "/") depth--;
      else {
        if (depth === 0 && ++roots > 1) throw notXml("has more than one root element");
        if (text[at - 2] !== "/" && ++depth > maxDepth) throw notXml(`is deeper than ${maxDepth} elements`);
      }
      if (depth < 0) throw notXml("is not well-formed");
      plain.push(text.slice(next, at));
    }
  }
  keep(text.slice(at));
  if (depth > 0 || roots === 0) throw notXml("is not well-formed");
  return plain.join("");
}

/** Where `text` goes on behind `end`. */
function after(text: string, end: string, from: number): number {
  const found = text.indexOf(end, from);
  if (found === -1) throw notXml("is not well-formed");
  return found + end.length;
}

/** Where `text` goes on behind a tag. A ">" between quotes does not end it; what is between quotes is an attribute. */
function afterTag(text: string, from: number, count: () => void): number {
  const stop = /["'>]/g;
  stop.lastIndex = from;
  for (let found = stop.exec(text); found !== null; found = stop.exec(text)) {
    if (found[0] === ">") return stop.lastIndex;
    count();
    stop.lastIndex = after(text, found[0], stop.lastIndex);
  }
  throw notXml("is not well-formed");
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** What references stand for is never longer than they are, and is not read again. */
function decode(text: string): string {
  return text.replace(
    /&(?:#(\d{1,8})|#x([\da-fA-F]{1,8})|(lt|gt|amp|quot|apos));|&/g,
    (_all, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name]!;
      const point = decimal !== undefined ? Number(decimal) : hex !== undefined ? parseInt(hex, 16) : NaN;
      if (!(point <= 0x10ffff) || FOREIGN.test(String.fromCodePoint(point))) {
        throw notXml("refers to an entity that XML does not have");
      }
      return String.fromCodePoint(point);
    },
  );
}

function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function notXml(reason: string, cause?: Error): PayloadBindingError {
  const options = cause === undefined ? undefined : { cause };
  return new PayloadBindingError(`Cannot bind the message: as XML it ${reason}`, [{ message: "Not XML" }], options);
}
