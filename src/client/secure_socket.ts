/** The option `secureSocket` of a client: its names, defaults and limits, checked at once. Reads no file. */

import { checkBoolean, wrongKind } from "../option_check.ts";
import {
  type CertKey,
  checkKey,
  checkSecure,
  checkSecureNames,
  checkTrust,
  type KeyStore,
  SECURE_NAMES,
  type SecureConfiguration,
} from "../transport/secure_options.ts";
import type { ClientTlsSettings } from "../transport/tls.ts";

/** TLS of a client. Times are seconds, fractions allowed. */
export interface ClientSecureSocket extends SecureConfiguration {
  /**
   * The authorities that may have signed the server's certificate: a file in PEM, by its path or `file:` URL, the text
   * itself, or a store. Default: those that the runtime trusts.
   */
  readonly cert?: string | URL | KeyStore;
  /** The private key and certificate by which the client says who it is. Not for another origin behind a redirect. Default: none. */
  readonly key?: CertKey | KeyStore;
  /**
   * The name to ask the server for (RFC 6066 §3), which its certificate has to have. Not for another origin behind a
   * redirect. Default: the host of the URL.
   */
  readonly serverName?: string;
  /** Whether the certificate has to have the name that was asked for. Default true. */
  readonly verifyHostName?: boolean;
  /** False takes whoever answers for the server: for tests only. Each such client says so once. Default true. */
  readonly enable?: boolean;
}

/**
 * Checks `secureSocket`; undefined when it is absent.
 *
 * @param secure whether the client's URL asks for TLS
 * @throws {TypeError} for an unknown name, a value of the wrong kind, and without TLS
 * @throws {RangeError} for a number out of range
 */
export function checkClientSecure(value: unknown, secure: boolean): ClientTlsSettings | undefined {
  if (value === undefined) return undefined;
  const given = checkSecureNames(value, SECURE_SOCKET_NAMES);
  const settings: ClientTlsSettings = {
    ...checkSecure(given),
    key: given.key === undefined ? undefined : checkKey(given.key, "key"),
    trust: given.cert === undefined ? undefined : checkTrust(given.cert, "cert"),
    serverName: checkServerName(given.serverName),
    verifyHostName: checkBoolean(given, "verifyHostName", true, "secureSocket.verifyHostName"),
    verify: checkBoolean(given, "enable", true, "secureSocket.enable"),
  };
  if (secure) return settings;
  throw new TypeError('Cannot use the option "secureSocket": the URL does not ask for TLS, "wss:" does');
}

const SECURE_SOCKET_NAMES: readonly string[] = [
  ...SECURE_NAMES,
  "cert",
  "key",
  "serverName",
  "verifyHostName",
  "enable",
];

/** RFC 6066 §3: the name of a host in ASCII, and no address. */
function checkServerName(name: unknown): string | undefined {
  if (name === undefined) return undefined;
  const isName = typeof name === "string" && /^[a-z\d_-]+(\.[a-z\d_-]+)*$/i.test(name) && !/^[\d.]+$/.test(name);
  if (isName) return name;
  throw wrongKind("secureSocket.serverName", "the name of a host");
}
