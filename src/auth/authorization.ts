/** The `Authorization` header: its scheme, and the credentials of Basic (RFC 7617), written and read. Knows no user. */

import { decodeUtf8, encodeBase64, encodeUtf8 } from "../bytes.ts";

/** A user's name and password. */
export interface Credentials {
  /** Without a colon and control characters. */
  readonly username: string;
  /** Without control characters. */
  readonly password: string;
}

/** What an `Authorization` header has. */
export interface Authorization {
  /** In lower case. */
  readonly scheme: string;
  readonly credentials: string;
}

/** Reads a header; undefined when it has no scheme. RFC 9110 §11.6.2 */
export function parseAuthorization(header: string | null): Authorization | undefined {
  const [, scheme, credentials = ""] = /^[ \t]*([!#$%&'*+.^_`|~\w-]+)(?: +(\S(?:.*\S)?))?[ \t]*$/.exec(header ?? "") ??
    [];
  return scheme === undefined ? undefined : { scheme: scheme.toLowerCase(), credentials };
}

/** Whether `text` is what a scheme with one value has there: no space, no comma. RFC 9110 §11.2 */
export function isToken68(text: string): boolean {
  return /^[\w.~+/-]+=*$/.test(text);
}

const CONTROL = /\p{Cc}/u;

/** RFC 7617 §2: what is wrong with a name or a password, as a phrase; undefined: nothing. */
export function problemOf({ username, password }: Credentials): string | undefined {
  if (username.includes(":")) return "a user name has no colon";
  return CONTROL.test(username + password) ? "there is a control character in it" : undefined;
}

/** The value of a header for Basic, in UTF-8. */
export function basicAuthorization({ username, password }: Credentials): string {
  return `Basic ${encodeBase64(encodeUtf8(`${username}:${password}`))}`;
}

/** What stands behind `Basic`, in NFC (RFC 7617 §2.1); undefined when it is nothing of that kind. */
export function parseBasic(credentials: string): Credentials | undefined {
  if (!isToken68(credentials)) return undefined;
  let text: string;
  try {
    text = decodeUtf8(Uint8Array.from(atob(credentials), (char) => char.charCodeAt(0))).normalize("NFC");
  } catch {
    return undefined;
  }
  const colon = text.indexOf(":");
  if (colon === -1 || CONTROL.test(text)) return undefined;
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
