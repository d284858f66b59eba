/**
 * The option `secureSocket`, as far as a listener and a client have it in common: its names, defaults and limits, checked at
 * once. Reads no file, and repeats no secret in a refusal.
 */

import { UnsupportedError } from "../errors.ts";
import {
  checkBoolean,
  checkNames,
  checkObject,
  checkSeconds,
  type Given,
  isObject,
  wrongKind,
} from "../option_check.ts";
import type { KeySource, StoreFile, TlsRefusal, TlsSettings, TlsTools, TlsVersion, TrustSource } from "./tls.ts";

/** A PKCS#12 store (RFC 7292): certificates, or a private key with its certificate. */
export interface KeyStore {
  /** The file, by its path or its `file:` URL. Required. */
  readonly path: string | URL;
  /** What opens it. Required. */
  readonly password: string;
}

/** A private key and its certificate in PEM. */
export interface CertKey {
  /**
   * The certificate, with those of the authorities between it and one that is trusted behind it: a file, by its path or
   * `file:` URL, or the text itself. Required.
   */
  readonly certFile: string | URL;
  /** The private key: a file, by its path or `file:` URL, or the text itself. Required. */
  readonly keyFile: string | URL;
  /** What decrypts the key. Default: none, the key is not encrypted. */
  readonly keyPassword?: string;
}

/** Which TLS is spoken. */
export interface TlsProtocol {
  /** `TLS` is the only one. Default `"TLS"`. */
  readonly name?: "TLS";
  /** One or both of the versions. Default: those of the runtime, which are both. */
  readonly versions?: readonly TlsVersion[];
}

/** Those options of `secureSocket` that a listener and a client have in common. Times are seconds, fractions allowed. */
export interface SecureConfiguration {
  /** Which versions of TLS. Default: those of the runtime, 1.2 and 1.3. */
  readonly protocol?: TlsProtocol;
  /**
   * All cipher suites that may be used, by OpenSSL's names, such as `ECDHE-RSA-AES128-GCM-SHA256`, and those of TLS 1.3,
   * such as `TLS_AES_128_GCM_SHA256`. A version of which none is in the list is not spoken. Default: the runtime's.
   */
  readonly ciphers?: readonly string[];
  /** Whether TLS sessions may be resumed (RFC 8446 §2.2, RFC 5077). Default true. */
  readonly shareSession?: boolean;
  /**
   * Seconds that the TLS handshake may take. A listener drops the connection then, a client fails with an `SslError`. 0: for
   * ever. Default 30.
   */
  readonly handshakeTimeout?: number;
}

/** The names of these options. */
export const SECURE_NAMES: readonly string[] = ["protocol", "ciphers", "shareSession", "handshakeTimeout"];

/** Names of the original that are understood, and refused. */
export const SECURE_REFUSALS: ReadonlyMap<string, string> = new Map([
  ["certValidation", "certificates are not looked up by OCSP or CRL here"],
]);

/** The cipher suites of TLS 1.3 (RFC 8446 §B.4). All others are of TLS 1.2. */
export const TLS13_CIPHERS: readonly string[] = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_CCM_SHA256",
  "TLS_AES_128_CCM_8_SHA256",
];

const OPTION = "secureSocket";
const VERSIONS: readonly TlsVersion[] = ["TLSv1.2", "TLSv1.3"];

/**
 * The value of `secureSocket`, when it can hold options and has no unknown ones.
 *
 * @throws {TypeError} when it cannot, or has
 */
export function checkSecureNames(value: unknown, names: readonly string[]): Given {
  if (!isObject(value)) throw wrongKind(OPTION, "an object");
  checkNames(value, names, SECURE_REFUSALS, `${OPTION}.`);
  return value as Given;
}

/**
 * Checks what both sides have in common; the names are the caller's to check.
 *
 * @throws {TypeError} for a value of the wrong kind
 * @throws {RangeError} for a number out of range
 */
export function checkSecure(given: Given): TlsSettings {
  const versions = checkVersions(given);
  return {
    ...checkCiphers(given.ciphers, versions),
    shareSession: checkBoolean(given, "shareSession", true, `${OPTION}.shareSession`),
    handshakeMs: checkSeconds(given, "handshakeTimeout", 30, true, `${OPTION}.handshakeTimeout`),
  };
}

/**
 * Checks where a private key and its certificate come from.
 *
 * @throws {TypeError} for an unknown name, a value of the wrong kind, and when something is missing
 */
export function checkKey(value: unknown, name: string): KeySource {
  const path = `${OPTION}.${name}`;
  if (!isObject(value)) {
    throw wrongKind(path, 'an object with a "certFile" and a "keyFile", or with a "path" and a "password"');
  }
  if ("path" in value || "password" in value) return checkStore(value as Given, path);
  checkNames(value, ["certFile", "keyFile", "keyPassword"], undefined, `${path}.`);
  const { certFile, keyFile, keyPassword } = value as Given;
  if (keyPassword !== undefined && typeof keyPassword !== "string") throw wrongKind(`${path}.keyPassword`, "a string");
  return {
    certFile: checkFile(certFile, `${path}.certFile`),
    keyFile: checkFile(keyFile, `${path}.keyFile`),
    keyPassword,
  };
}

/**
 * Checks where the certificates of authorities come from.
 *
 * @throws {TypeError} for an unknown name, a value of the wrong kind, and when something is missing
 */
export function checkTrust(value: unknown, name: string): TrustSource {
  const path = `${OPTION}.${name}`;
  if (typeof value !== "object" || value === null || value instanceof URL) return checkFile(value, path);
  return checkStore(value as Given, path);
}

/**
 * What a runtime has of TLS.
 *
 * @throws {UnsupportedError} when it cannot be told how to speak it
 */
export function tlsTools({ tls, name }: { readonly tls?: TlsTools; readonly name: string }): TlsTools {
  if (tls !== undefined) return tls;
  throw new UnsupportedError(`Cannot use the option "${OPTION}": ${name} has it not`, OPTION, name);
}

/**
 * Refuses the fields of `secureSocket` that cannot be had in some place.
 *
 * @param given the option, checked
 * @param runtime the place, as it calls itself
 * @throws {UnsupportedError} naming the field
 */
export function refuseSecure(given: object | undefined, refusals: readonly TlsRefusal[], runtime: string): void {
  for (const { option, applies, reason } of refusals) {
    const value = option.split(".").reduce<unknown>((inner, key) => Object(inner)[key], given);
    if (value === undefined || applies?.(value) === false) continue;
    const name = `${OPTION}.${option}`;
    throw new UnsupportedError(`Cannot use the option "${name}": ${reason}`, name, runtime);
  }
}

function checkStore(store: Given, path: string): StoreFile {
  checkNames(store, ["path", "password"], undefined, `${path}.`);
  if (typeof store.password !== "string") throw wrongKind(`${path}.password`, "a string");
  return { path: checkFile(store.path, `${path}.path`), password: store.password };
}

function checkFile(value: unknown, path: string): string | URL {
  if (value instanceof URL) {
    if (value.protocol === "file:") return value;
    throw wrongKind(path, 'a "file:" URL');
  }
  if (typeof value === "string" && value.trim() !== "") return value;
  throw wrongKind(path, "a file or a text");
}

function checkVersions(given: Given): readonly TlsVersion[] | undefined {
  const path = `${OPTION}.protocol`;
  if (given.protocol !== undefined && (typeof given.protocol !== "object" || given.protocol === null)) {
    throw wrongKind(path, "an object");
  }
  const protocol = checkObject(given, "protocol");
  checkNames(protocol, ["name", "versions"], undefined, `${path}.`);
  if (protocol.name !== undefined && protocol.name !== "TLS") {
    throw new TypeError(`Cannot use the option "${path}.name": ${said(protocol.name)} is not "TLS", the only one here`);
  }
  const { versions } = protocol;
  if (versions === undefined) return undefined;
  if (!Array.isArray(versions) || versions.length === 0) throw wrongKind(`${path}.versions`, "a list with a version");
  for (const version of versions) {
    if (VERSIONS.includes(version)) continue;
    throw new TypeError(
      `Cannot use the option "${path}.versions": ${said(version)} is neither "TLSv1.2" nor "TLSv1.3"`,
    );
  }
  return versions as TlsVersion[];
}

/** The list is all there is: a version of TLS that none of its suites belongs to is not spoken. */
function checkCiphers(
  ciphers: unknown,
  versions: readonly TlsVersion[] = VERSIONS,
): Pick<TlsSettings, "ciphers" | "minVersion" | "maxVersion"> {
  if (ciphers === undefined) return { ciphers: undefined, ...rangeOf(versions) };
  const path = `${OPTION}.ciphers`;
  // OpenSSL's language of lists and rules is none of ours: a rule that it does not know would be passed over.
  const isName = (name: unknown): boolean => typeof name === "string" && /^[A-Z0-9][\w-]*$/i.test(name);
  if (!Array.isArray(ciphers) || ciphers.length === 0 || !ciphers.every(isName)) {
    throw wrongKind(path, "a list of names of cipher suites");
  }
  const spoken = versions.filter((version) =>
    ciphers.some((name) => TLS13_CIPHERS.includes(name) === (version === "TLSv1.3"))
  );
  if (spoken.length === 0) {
    throw new TypeError(`Cannot use the option "${path}": it has no suite of ${versions.join(" or ")}`);
  }
  return { ciphers: ciphers.join(":"), ...rangeOf(spoken) };
}

function rangeOf(versions: readonly TlsVersion[]): Pick<TlsSettings, "minVersion" | "maxVersion"> {
  return {
    minVersion: versions.includes("TLSv1.2") ? "TLSv1.2" : "TLSv1.3",
    maxVersion: versions.includes("TLSv1.3") ? "TLSv1.3" : "TLSv1.2",
  };
}

function said(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : `a value of type ${typeof value}`;
}
