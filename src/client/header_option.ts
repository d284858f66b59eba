/** Headers as an option gives them, turned into the lines of a request. Knows which of them no option may set, and no other. */

import { isFieldValue, isToken } from "../handshake/header_grammar.ts";
import { isReservedHeader } from "../handshake/reserved_header.ts";
import { wrongKind } from "../option_check.ts";

/** One line each, names as they were given. */
export type CheckedHeaders = readonly (readonly [name: string, value: string])[];

/**
 * Checks the headers of an option.
 *
 * @param option its name
 * @param objection why a header, whose name comes in lower case, cannot be given here; undefined when it can
 * @throws {TypeError} when they are no headers, or one cannot be sent or be given
 */
export function checkHeaders(
  option: string,
  headers: unknown = {},
  objection: (lowerCaseName: string) => string | undefined,
): CheckedHeaders {
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw wrongKind(option, "a Headers or an object");
  }
  const lines: [string, string][] = [];
  for (const [name, values] of headers instanceof Headers ? headers : Object.entries(headers)) {
    const refuse = (reason: string): never => {
      throw new TypeError(`Cannot use the option "${option}": ${JSON.stringify(name)} ${reason}`);
    };
    if (!isToken(name)) refuse("is not the name of a header");
    if (isReservedHeader(name)) refuse("belongs to the handshake");
    const reason = objection(name.toLowerCase());
    if (reason !== undefined) refuse(reason);
    for (const value of Array.isArray(values) ? values : [values]) {
      if (typeof value !== "string" || !isFieldValue(value)) refuse("has a value that no header can carry");
      lines.push([name, value]);
    }
  }
  return lines;
}
