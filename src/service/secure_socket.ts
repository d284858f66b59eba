/** The option `secureSocket` of a listener: its names, defaults and limits, checked at once. Reads no file. */

import { checkNames, checkSeconds, type Given, isObject, wrongKind } from "../option_check.ts";
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
import type { KeySource, ServerTlsSettings } from "../transport/tls.ts";

/** Whether and how clients say who they are by a certificate. */
export interface MutualSsl {
  /**
   * `require`: who has none is not let in. `optional`: who has none is; `caller.peerCertificate` tells. One that cannot be
   * verified is refused either way. Default `"require"`.
   */
  readonly verifyClient?: "require" | "optional";
  /**
   * The authorities that may have signed it: a file in PEM, by its path or `file:` URL, the text itself, or a store.
   * Required.
   */
  readonly cert: string | URL | KeyStore;
}

/** TLS of a listener. Times are seconds, fractions allowed. */
export interface ListenerSecureSocket extends SecureConfiguration {
  /** The server's private key and its certificate. Required. */
  readonly key: CertKey | KeyStore;
  /**
   * Other keys and certificates, by the host name that a client asks for (SNI, RFC 6066 §3): `chat.example.com`, or
   * `*.example.com` for all with one more label. Who asks for no name, or for another, gets `key`. Default: none.
   */
  readonly hosts?: Readonly<Record<string, CertKey | KeyStore>>;
  /** Asks clients for a certificate. Default: none, they are not asked. */
  readonly mutualSsl?: MutualSsl;
  /** Seconds for which a session can be resumed, rounded up to whole ones; more than 0. Default: those of the runtime. */
  readonly sessionTimeout?: number;
}

/**
 * Checks `secureSocket`; undefined when it is absent.
 *
 * @throws {TypeError} for an unknown name, a value of the wrong kind, and when the key is missing
 * @throws {RangeError} for a number out of range
 */
export function checkListenerSecure(value: unknown): ServerTlsSettings | undefined {
  if (value === undefined) return undefined;
  const given = checkSecureNames(value, SECURE_SOCKET_NAMES);
  return {
    ...checkSecure(given),
    key: checkKey(given.key, "key"),
    hosts: checkHosts(given.hosts),
    ...checkMutual(given.mutualSsl),
    sessionSeconds: checkSession(given),
  };
}

const SECURE_SOCKET_NAMES: readonly string[] = [...SECURE_NAMES, "key", "hosts", "mutualSsl", "sessionTimeout"];

/** What SNI can ask for: no address, nothing but ASCII, no dot at its end. A whole label may be a star, the first. */
const HOST_NAME = /^(\*\.)?[a-z\d_-]+(\.[a-z\d_-]+)*$/;

function checkHosts(value: unknown): ServerTlsSettings["hosts"] {
  const hosts = new Map<string, KeySource>();
  if (value === undefined) return hosts;
  const path = "secureSocket.hosts";
  if (!isObject(value)) throw wrongKind(path, "an object");
  for (const [given, key] of Object.entries(value)) {
    const name = given.toLowerCase();
    if (!HOST_NAME.test(name) || /^[\d.]+$/.test(name)) {
      throw new TypeError(`Cannot use the option "${path}": ${JSON.stringify(given)} is no host name`);
    }
    if (hosts.has(name)) throw new TypeError(`Cannot use the option "${path}": ${JSON.stringify(name)} comes twice`);
    hosts.set(name, checkKey(key, `hosts[${JSON.stringify(given)}]`));
  }
  return hosts;
}

/** TLS counts it in whole seconds. */
function checkSession(given: Given): number | undefined {
  const path = "secureSocket.sessionTimeout";
  if (given.sessionTimeout === undefined) return undefined;
  const seconds = Math.ceil(checkSeconds(given, "sessionTimeout", 0, false, path) / 1_000);
  if (seconds >= 1) return seconds;
  throw new RangeError(`Cannot use the option "${path}": a session lasts for more than 0 seconds; see "shareSession"`);
}

function checkMutual(value: unknown): Pick<ServerTlsSettings, "verifyClient" | "trust"> {
  if (value === undefined) return { verifyClient: undefined, trust: undefined };
  const path = "secureSocket.mutualSsl";
  if (!isObject(value)) throw wrongKind(path, "an object");
  checkNames(value, ["verifyClient", "cert"], undefined, `${path}.`);
  const { verifyClient = "require", cert } = value as Given;
  if (verifyClient !== "require" && verifyClient !== "optional") {
    throw wrongKind(`${path}.verifyClient`, '"require" or "optional"');
  }
  return { verifyClient, trust: checkTrust(cert, "mutualSsl.cert") };
}
