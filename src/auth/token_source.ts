/**
 * Where a token may be besides `Authorization` (features A2), for browsers, which cannot set that header on a WebSocket:
 * in a cookie, a parameter of the query, or an entry of the sub-protocols. Only where a service says so. Knows no token.
 */

import { checkNames, type Given, wrongKind } from "../option_check.ts";

/** Where a bearer token may be, too. */
export interface TokenFrom {
  /**
   * The name of a cookie. Browsers send it for pages of other sites, too: keep the service's `origins` narrow.
   */
  readonly cookie?: string;
  /**
   * The name of a query parameter. It is taken out of every URL that the service sees; a proxy in front logs it still.
   */
  readonly query?: string;
  /**
   * What an offered sub-protocol begins with whose rest is the token, such as `bearer.`. It is never the one that is
   * chosen, so a client has to offer another beside it.
   */
  readonly subProtocol?: string;
}

/** A token that was found, and the request without it. */
export interface FoundToken {
  readonly token: string | undefined;
  readonly url: string;
  readonly offered: readonly string[];
}

const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;

/**
 * Checks the option `tokenFrom`.
 *
 * @throws {TypeError} when it is none
 */
export function checkTokenFrom(tokenFrom: unknown): TokenFrom | undefined {
  if (tokenFrom === undefined) return undefined;
  if (typeof tokenFrom !== "object" || tokenFrom === null || Array.isArray(tokenFrom)) {
    throw wrongKind("tokenFrom", "an object");
  }
  checkNames(tokenFrom, ["cookie", "query", "subProtocol"], undefined, "tokenFrom.");
  const { cookie, query, subProtocol } = tokenFrom as Given;
  for (const [name, value] of [["cookie", cookie], ["subProtocol", subProtocol]] as const) {
    if (value !== undefined && !(typeof value === "string" && TOKEN.test(value))) {
      throw wrongKind(`tokenFrom.${name}`, "a token");
    }
  }
  if (query !== undefined && (typeof query !== "string" || query === "")) {
    throw wrongKind("tokenFrom.query", "the name of a parameter");
  }
  return { ...tokenFrom };
}

/**
 * The token of a request, from the sub-protocols, else the cookie, else the query; and what is left of the request when
 * all that could be a token is taken out of the URL and the sub-protocols.
 */
export function findToken(
  { cookie, query, subProtocol }: TokenFrom,
  request: { readonly url: string; readonly cookies: string | null; readonly offered: readonly string[] },
): FoundToken {
  const isEntry = (protocol: string): boolean => subProtocol !== undefined && protocol.startsWith(subProtocol);
  const entry = request.offered.find(isEntry)?.slice(subProtocol?.length);
  const kept = cookie === undefined ? undefined : cookieIn(request.cookies ?? "", cookie);
  const parameter = query === undefined ? undefined : parameterIn(request.url, query);
  return {
    token: entry ?? kept ?? parameter?.value,
    url: parameter?.url ?? request.url,
    offered: request.offered.filter((protocol) => !isEntry(protocol)),
  };
}

/** RFC 6265 §4.2: the first of that name, without the quotes that may stand around its value. */
function cookieIn(header: string, name: string): string | undefined {
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    if (equals === -1 || pair.slice(0, equals).trim() !== name) continue;
    return pair.slice(equals + 1).trim().replace(/^"(.*)"$/, "$1");
  }
  return undefined;
}

/** The value of the first parameter of that name, and the URL without all of them, the others as they were written. */
function parameterIn(url: string, name: string): { readonly value: string; readonly url: string } | undefined {
  const mark = url.indexOf("?");
  if (mark === -1) return undefined;
  let value: string | undefined;
  const others = url.slice(mark + 1).split("&").filter((part) => {
    // Decoded as whoever reads the query would decode it.
    const [pair] = new URLSearchParams(part);
    if (pair?.[0] !== name) return true;
    value ??= pair[1];
    return false;
  });
  if (value === undefined) return undefined;
  return { value, url: url.slice(0, mark) + (others.length > 0 ? `?${others.join("&")}` : "") };
}
