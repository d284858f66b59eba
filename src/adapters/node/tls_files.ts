/**
 * The files that TLS needs, read and looked at once: into PEM that every runtime takes, on its own server too. Says which file
 * is wrong and why, and nothing of a key or a password.
 */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, getCiphers } from "node:tls";
import { fileURLToPath } from "node:url";
import { SslError } from "../../errors.ts";
import { TLS13_CIPHERS } from "../../transport/secure_options.ts";
import type {
  ClientTls,
  ClientTlsSettings,
  KeySource,
  ServerTls,
  ServerTlsSettings,
  StoreFile,
  TlsIdentity,
  TlsSettings,
  TlsTools,
  TrustSource,
} from "../../transport/tls.ts";
import { readPkcs12, type StoreContents } from "./pkcs12.ts";
import { tlsReason } from "./tls_reason.ts";

const KEY = "secureSocket.key";

/** The part of a runtime's TLS that is the same on all three. */
export const tlsFiles: Pick<TlsTools, "loadServer" | "loadClient"> = { loadServer, loadClient };

function loadServer({ key, hosts: keys, trust, ...settings }: ServerTlsSettings): ServerTls {
  const identity = readIdentity(key, KEY);
  const authorities = trust === undefined ? undefined : readAuthorities(trust, "secureSocket.mutualSsl.cert");
  checkContext(settings, identity, authorities, key);
  const hosts = new Map<string, TlsIdentity>();
  for (const [name, source] of keys) {
    const own = readIdentity(source, `secureSocket.hosts[${JSON.stringify(name)}]`);
    checkContext(settings, own, authorities, source);
    hosts.set(name, own);
  }
  return { ...settings, identity, hosts, authorities };
}

function loadClient({ key, trust, ...settings }: ClientTlsSettings): ClientTls {
  const identity = key === undefined ? undefined : readIdentity(key, KEY);
  const authorities = trust === undefined ? undefined : readAuthorities(trust, "secureSocket.cert");
  checkContext(settings, identity, authorities, key);
  return { ...settings, identity, authorities };
}

/** What comes out of a file, or of a text in its place. */
interface Source {
  readonly bytes: Uint8Array;
  /** As errors call it. */
  readonly name: string;
  readonly file?: string;
}

function readIdentity(source: KeySource, option: string): TlsIdentity {
  return "path" in source ? identityInStore(source, option) : identityInFiles(source, option);
}

function identityInFiles(
  { certFile, keyFile, keyPassword }: Exclude<KeySource, StoreFile>,
  option: string,
): TlsIdentity {
  const certificates = read(certFile, `${option}.certFile`);
  const chain = certificatesIn(certificates);
  const source = read(keyFile, `${option}.keyFile`);
  // Not all runtimes look behind a certificate, or the parameters of a curve, in the same file.
  const [text] = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [^-]*-----/.exec(textOf(source.bytes)) ?? [""];
  if (text === "") throw unusable("private key", source, "no start line: there is none in PEM");
  if (keyPassword === undefined && text.includes("ENCRYPTED")) {
    throw unusable("private key", source, `it is encrypted, and there is no "${option}.keyPassword"`);
  }
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, ...(keyPassword !== undefined && { passphrase: keyPassword }) });
  } catch (cause) {
    throw unusable("private key", source, tlsReason(cause as Error), cause);
  }
  if (!chain[0]!.checkPrivateKey(key)) {
    throw unusable(
      "private key",
      source,
      `key values mismatch: the certificate in ${certificates.name} is another key's`,
    );
  }
  return { key: pemOf(key), cert: chain.map(String).join("") };
}

function identityInStore(store: StoreFile, option: string): TlsIdentity {
  const { source, contents } = readStore(store, option);
  const certificates = contents.certificates.map((der) => certificateOf(der, source));
  for (const der of contents.keys) {
    const key = keyOf(der, source);
    const own = certificates.find((certificate) => certificate.checkPrivateKey(key));
    if (own !== undefined) return { key: pemOf(key), cert: chainOf(own, certificates).map(String).join("") };
  }
  throw unusable("store", source, "it has no private key with its certificate");
}

function readAuthorities(source: TrustSource, option: string): string[] {
  if (typeof source === "string" || source instanceof URL) {
    return certificatesIn(read(source, option)).map(String);
  }
  const { source: file, contents } = readStore(source, option);
  if (contents.certificates.length === 0) throw unusable("store", file, "it has no certificate");
  return contents.certificates.map((der) => String(certificateOf(der, file)));
}

function readStore(
  { path, password }: StoreFile,
  option: string,
): { source: Source; contents: StoreContents } {
  const source = readFile(path, option);
  try {
    return { source, contents: readPkcs12(source.bytes, password) };
  } catch (cause) {
    throw unusable("store", source, tlsReason(cause as Error), cause);
  }
}

/** All certificates of a PEM text, or the one in DER. */
function certificatesIn(source: Source): [X509Certificate, ...X509Certificate[]] {
  const text = textOf(source.bytes);
  const [first, ...others] = text.match(/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END [^-]*-----/g) ??
    [source.bytes];
  return [certificateOf(first!, source), ...others.map((block) => certificateOf(block, source))];
}

function certificateOf(data: string | Uint8Array, source: Source): X509Certificate {
  try {
    return new X509Certificate(data);
  } catch (cause) {
    throw unusable("certificate", source, tlsReason(cause as Error), cause);
  }
}

function keyOf(der: Uint8Array, source: Source): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
  } catch (cause) {
    throw unusable("private key", source, tlsReason(cause as Error), cause);
  }
}

/** A certificate and those between it and the authority, which everybody has himself (RFC 8446 §4.4.2). */
function chainOf(own: X509Certificate, all: readonly X509Certificate[]): X509Certificate[] {
  const chain = [own];
  for (let last = own; chain.length <= all.length;) {
    const next = all.find(({ subject, issuer }) => subject === last.issuer && issuer !== subject);
    if (next === undefined || chain.includes(next)) break;
    chain.push(last = next);
  }
  return chain;
}

/** What only a whole context tells: suites that there are not, a key that is too small. */
function checkContext(
  { ciphers, minVersion, maxVersion }: Pick<TlsSettings, "ciphers" | "minVersion" | "maxVersion">,
  identity: TlsIdentity | undefined,
  authorities: readonly string[] | undefined,
  source: KeySource | undefined,
): void {
  const known = getCiphers();
  const unknown = ciphers?.split(":").find((name) => {
    return !TLS13_CIPHERS.includes(name) && !known.includes(name.toLowerCase());
  });
  if (unknown !== undefined) {
    throw new TypeError(`Cannot use the option "secureSocket.ciphers": there is no suite "${unknown}" here`);
  }
  try {
    createSecureContext({
      ...identity,
      ...(authorities && { ca: [...authorities] }),
      ...(ciphers !== undefined && { ciphers }),
      ...(minVersion && { minVersion }),
      ...(maxVersion && { maxVersion }),
    });
  } catch (cause) {
    const name = source === undefined ? "files" : "path" in source ? shown(source.path) : shown(source.certFile);
    throw new SslError(`Cannot use the ${name} of "secureSocket": ${tlsReason(cause as Error)}`, { cause });
  }
}

function read(from: string | URL, option: string): Source {
  if (typeof from !== "string" || !from.includes("-----BEGIN ")) return readFile(from, option);
  return { bytes: new TextEncoder().encode(from), name: `the text of "${option}"` };
}

function readFile(from: string | URL, option: string): Source {
  const file = from instanceof URL ? fileURLToPath(from) : from;
  const source = { bytes: NOTHING, name: JSON.stringify(file), file };
  try {
    return { ...source, bytes: readFileSync(file) };
  } catch (cause) {
    if (typeof from === "string" && MAY_BE_SECRET.test(from)) {
      throw new SslError(`Cannot use the value of "${option}": it is neither a file nor a text in PEM`);
    }
    throw unusable("file", source, `of "${option}": ${tlsReason(cause as Error)}`, cause);
  }
}

const NOTHING = new Uint8Array(0);

/** No path to be shown: a key that has lost its first line, or is in Base64 once more, or in JSON. */
const MAY_BE_SECRET = /[\r\n{]|-----|^[a-z\d+/=]{60,}$/i;

function unusable(what: string, { name, file }: Source, reason: string, cause?: unknown): SslError {
  const where = what === "file" ? `${what} ${name} ${reason}` : `${what} in ${name}: ${reason}`;
  return new SslError(`Cannot use the ${where}`, {
    ...(file !== undefined && { file }),
    ...(cause !== undefined && { cause }),
  });
}

function shown(from: string | URL): string {
  return typeof from === "string" && from.includes("-----BEGIN ") ? "texts" : `file ${JSON.stringify(String(from))}`;
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
