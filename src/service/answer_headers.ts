/**
 * What a service adds to an answer, before it is written: a header that cannot travel is refused the same way on every
 * host. Bun would send it, and Deno's own server ends the process with it. Knows no upgrade.
 */

import { isFieldValue } from "../handshake/header_grammar.ts";
import { isReservedHeader } from "../handshake/reserved_header.ts";

/** What is wrong with one that may not travel (RFC 7230 §3.2): `Headers` lets control characters pass. */
export function wrongHeader(headers: Headers): TypeError | undefined {
  for (const [name, value] of headers) {
    if (!isFieldValue(value)) {
      return new TypeError(`Cannot write the header "${name}": its value has control characters or is not Latin-1`);
    }
  }
  return undefined;
}

/** @throws {TypeError} for a header that a service may not add to a 101 */
export function checkAddedHeaders(headers: Headers): void {
  for (const name of headers.keys()) {
    if (isReservedHeader(name)) {
      throw new TypeError(`Cannot add the header "${name}" to the upgrade: it belongs to the handshake`);
    }
  }
  throwIf(wrongHeader(headers));
}

/** What cannot travel, or not any more, would leave the client without an answer. */
export function checkResponse(response: Response): Response {
  if (response.type === "error") throw new TypeError('Cannot refuse the upgrade: "get" returned an error response');
  if (response.bodyUsed) throw new TypeError('Cannot refuse the upgrade: "get" returned a response that was read');
  throwIf(wrongHeader(response.headers));
  return response;
}

function throwIf(error: TypeError | undefined): void {
  if (error !== undefined) throw error;
}
