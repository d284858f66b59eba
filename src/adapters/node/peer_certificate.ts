/**
 * A certificate by its bytes (RFC 5280 §4.1), the same on every runtime: they print names in ways in which one can be made to
 * look like several. Verifies nothing: whoever hands it over has.
 */

import { createHash } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { DistinguishedName, PeerCertificate } from "../../transport/tls.ts";
import { type DerValue, objectIdentifier, octets, readDer, SEQUENCE, valuesIn } from "./der.ts";

/**
 * @param raw in DER; the result's from now on
 * @throws {Error} when it is no certificate
 */
export function peerCertificate(raw: Uint8Array): PeerCertificate {
  const fields = valuesIn(valuesIn(readDer(raw))[0]);
  // The version is left out in those of the first one.
  if (fields[0]?.tag !== CONTEXT_0) fields.unshift(fields[0]!);
  const [, serial, , issuer, validity, subject] = fields;
  const [from, to] = valuesIn(validity);
  return {
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    subjectAltNames: altNames(fields.find(({ tag }) => tag === EXTENSIONS)),
    serialNumber: hex(serial?.contents ?? NOTHING, "").replace(/^0+(?=.)/, ""),
    fingerprint256: hex(createHash("sha256").update(raw).digest(), ":"),
    validFrom: dateOf(from),
    validTo: dateOf(to),
    raw,
  };
}

const NOTHING = new Uint8Array(0);
const CONTEXT_0 = 0xa0;
const EXTENSIONS = 0xa3;
const SUBJECT_ALT_NAME = "2.5.29.17";

/** RFC 4519 and, of PKCS#9, the address. */
const SHORT: ReadonlyMap<string, string> = new Map([
  ["2.5.4.3", "CN"],
  ["2.5.4.4", "SN"],
  ["2.5.4.5", "serialNumber"],
  ["2.5.4.6", "C"],
  ["2.5.4.7", "L"],
  ["2.5.4.8", "ST"],
  ["2.5.4.9", "street"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
  ["2.5.4.12", "title"],
  ["2.5.4.42", "GN"],
  ["0.9.2342.19200300.100.1.1", "UID"],
  ["0.9.2342.19200300.100.1.25", "DC"],
  ["1.2.840.113549.1.9.1", "emailAddress"],
]);

function nameOf(value: DerValue | undefined): DistinguishedName {
  const name = new Map<string, string | string[]>();
  for (const set of valuesIn(value)) {
    for (const pair of valuesIn(set, SET)) {
      const [type, text] = valuesIn(pair);
      const id = objectIdentifier(type);
      const key = SHORT.get(id) ?? id;
      const earlier = name.get(key);
      name.set(key, earlier === undefined ? textOf(text) : [earlier, textOf(text)].flat());
    }
  }
  // A name from outside may be "__proto__".
  return Object.fromEntries(name);
}

const SET = 0x31;
const UTF8_STRING = 0x0c;
const BMP_STRING = 0x1e;

function textOf(value: DerValue | undefined): string {
  if (value === undefined) throw new Error("it is not encoded as it has to be");
  const { tag, contents } = value;
  if (tag === UTF8_STRING) return new TextDecoder().decode(contents);
  if (tag !== BMP_STRING) return ascii(contents);
  let text = "";
  for (let i = 0; i + 1 < contents.length; i += 2) text += String.fromCharCode((contents[i]! << 8) | contents[i + 1]!);
  return text;
}

/** §4.2.1.6. */
function altNames(extensions: DerValue | undefined): string[] {
  if (extensions === undefined) return [];
  const [list] = valuesIn(extensions, EXTENSIONS);
  const extension = valuesIn(list).map((each) => valuesIn(each))
    .find(([id]) => objectIdentifier(id) === SUBJECT_ALT_NAME);
  if (extension === undefined) return [];
  return valuesIn(readDer(octets(extension.at(-1))), SEQUENCE).flatMap(({ tag, contents }) => {
    switch (tag) {
      case 0x81:
        return [`email:${ascii(contents)}`];
      case 0x82:
        return [`DNS:${ascii(contents)}`];
      case 0x86:
        return [`URI:${ascii(contents)}`];
      case 0x87:
        return contents.length === 4 || contents.length === 16 ? [`IP:${address(contents)}`] : [];
      default:
        return [];
    }
  });
}

function address(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: bytes.length / 2 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1);
}

/** §4.1.2.5: two digits of the year mean 1950 to 2049. */
function dateOf(value: DerValue | undefined): Date {
  const digits = ascii(value?.contents ?? NOTHING);
  const full = value?.tag === 0x17 ? `${Number(digits.slice(0, 2)) < 50 ? "20" : "19"}${digits}` : digits;
  return new Date(full.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

function ascii(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function hex(bytes: Uint8Array, between: string): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(between);
}

/** The certificate that the peer of a TLS socket has shown, verified or not, in DER; a copy. */
export function certificateOn(socket: TLSSocket): Uint8Array | undefined {
  // Bun's https sockets have something without it.
  const { raw } = (socket.getPeerCertificate?.() ?? {}) as { raw?: Uint8Array };
  return raw && new Uint8Array(raw);
}

/**
 * The same, if it has been verified. Node 20 goes on to call a socket authorized that has shown another one since, in TLS 1.2,
 * and has only an error besides.
 */
export function verifiedCertificateOn(socket: TLSSocket): Uint8Array | undefined {
  return socket.authorized && !socket.authorizationError ? certificateOn(socket) : undefined;
}
