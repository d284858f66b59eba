/**
 * What becomes of a redirect (RFC 9110 §15.4) when redirects are followed: where it leads, which headers go along, and why
 * it is not followed. Knows no socket.
 */

import { InvalidHandshakeError } from "../errors.ts";
import type { HeaderLines, ResponseHead } from "../handshake/http_head.ts";
import type { ClientTls } from "../transport/tls.ts";
import { webSocketUrl } from "./target.ts";

/** Where a redirect leads, or what is wrong with it. */
export type Redirect = { readonly to: URL } | { readonly problem: string; readonly cause?: unknown };

const STATUSES: readonly number[] = [301, 302, 303, 307, 308];

/** What says who the client is: meant for the server that was asked, and no other. */
const STAYS_HOME: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization"]);

/**
 * Looks at the answer to a request for `from`, which is `ws:` or `wss:`. Undefined: it is no redirect.
 *
 * @param followed how many were followed before
 * @param limit how many may be
 */
export function redirectOf(answer: ResponseHead, from: URL, followed: number, limit: number): Redirect | undefined {
  if (limit === 0 || !STATUSES.includes(answer.status)) return undefined;
  if (followed >= limit) return { problem: `${followed} were followed already, the limit of "maxRedirects"` };
  const location = answer.headers.get("location") ?? "";
  if (location === "") return { problem: 'it has no "Location"' };
  // RFC 3986: a reference is visible ASCII. Two headers, which `Headers` joins by a comma and a space, are none.
  if (!/^[\x21-\x7e]+$/.test(location)) return { problem: 'its "Location" is not a URL' };

  let to: URL;
  try {
    to = webSocketUrl(new URL(location, from.href.replace(/^ws/, "http")));
  } catch (cause) {
    return { problem: 'its "Location" is not a URL for a WebSocket', cause };
  }
  if (to.username !== "" || to.password !== "") return { problem: 'its "Location" has a user name or a password' };
  if (from.protocol === "wss:" && to.protocol === "ws:") return { problem: 'it leads out of TLS, to "ws:"' };
  // RFC 6455 §3: a WebSocket has no fragment.
  to.hash = "";
  return { to };
}

/** The error of a redirect that is not followed. */
export function unusableRedirect(
  { problem, cause }: Extract<Redirect, { problem: string }>,
  { status, headers }: ResponseHead,
  body: () => Promise<string>,
): InvalidHandshakeError {
  const message = `Cannot follow the redirect of status ${status}: ${problem}`;
  return new InvalidHandshakeError(message, { status, headers, body }, cause === undefined ? undefined : { cause });
}

/** Those of `headers` that go along from `from` to `to`: on another scheme, host or port, none that says who asks. */
export function headersAlong(headers: HeaderLines, from: URL, to: URL): HeaderLines {
  return from.origin === to.origin ? headers : [...headers].filter(([name]) => !STAYS_HOME.has(name.toLowerCase()));
}

/** TLS for `to`: on another host or port it does not show who asks, and the name that was given is not that server's. */
export function tlsAlong(tls: ClientTls | undefined, from: URL, to: URL): ClientTls | undefined {
  return tls === undefined || from.origin === to.origin ? tls : { ...tls, identity: undefined, serverName: undefined };
}
