/**
 * `Sec-WebSocket-Extensions`: offers as lists, both ways (RFC 6455 §9.1). Names are data here and never keys of an
 * object. Knows no extension: a server that writes no answer declines every offer.
 */

import { quote } from "../printable.ts";
import { isToken, type ListElement, parseElements } from "./header_grammar.ts";

/** One extension, offered or agreed on, with its parameters in order. */
export type Extension = ListElement;

/** The extensions in order, empty without the header, undefined when it is ill-formed. §9.1 */
export function parseExtensions(header: string | null): readonly Extension[] | undefined {
  return header === null ? [] : parseElements(header);
}

/**
 * The header's value.
 *
 * @throws {TypeError} when a name or a value is not a token
 */
export function serializeExtensions(extensions: readonly Extension[]): string {
  return extensions.map(({ name, parameters }) => {
    let text = checked(name);
    for (const parameter of parameters) {
      text += `; ${checked(parameter.name)}`;
      if (parameter.value !== undefined) text += `=${checked(parameter.value)}`;
    }
    return text;
  }).join(", ");
}

function checked(token: string): string {
  if (!isToken(token)) throw new TypeError(`Cannot offer an extension: ${quote(token)} is not a token`);
  return token;
}

/** Whether the server's answer names only what was offered: the extensions agreed on, or what is wrong. §4.1, §9.1 */
export function verifyExtensions(
  offered: readonly Extension[],
  answered: string | null,
): { readonly extensions: readonly Extension[] } | { readonly problem: string } {
  const extensions = parseExtensions(answered);
  if (extensions === undefined) return { problem: "the server answered ill-formed extensions" };
  const names = new Set(offered.map(({ name }) => name));
  const foreign = extensions.find(({ name }) => !names.has(name));
  if (foreign === undefined) return { extensions };
  return { problem: `the server chose the extension ${quote(foreign.name)}, which was not offered` };
}
