/**
 * An authority and a server certificate for localhost, made anew at each call: no key is kept anywhere. As much of X.509
 * (RFC 5280 §4.1) and DER as that takes.
 */

import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** All in PEM. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export function makeCertificates(): Certificates {
  const ca = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const leaf = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  return {
    ca: certificate({ subject: "hawser test authority", key: ca, signer: ca, extensions: [CA, CERT_SIGN] }),
    cert: certificate({ subject: "localhost", key: leaf, signer: ca, extensions: [NOT_CA, LOCALHOST] }),
    key: leaf.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

interface Request {
  readonly subject: string;
  readonly key: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Uint8Array[];
}

function certificate({ subject, key, signer, extensions }: Request): string {
  const spki = createPublicKey(key.export({ type: "pkcs8", format: "pem" }).toString())
    .export({ type: "spki", format: "der" });
  const now = Date.now();
  const tbs = sequence(
    tagged(0xa0, integer(Uint8Array.of(2))), // version 3
    integer(Uint8Array.of(1, ...randomBytes(8))),
    ECDSA_SHA256,
    name("hawser test authority"),
    sequence(time(now - 3_600_000), time(now + 24 * 3_600_000)),
    name(subject),
    spki,
    tagged(0xa3, sequence(...extensions)),
  );
  const der = sequence(tbs, ECDSA_SHA256, tagged(0x03, Uint8Array.of(0), sign("sha256", tbs, signer)));
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** One DER value: tag, length, contents. */
function tagged(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.of(tag, ...size, ...contents);
}

function sequence(...parts: Uint8Array[]): Uint8Array {
  return tagged(0x30, ...parts);
}

function integer(bytes: Uint8Array): Uint8Array {
  return tagged(0x02, bytes);
}

function oid(...bytes: number[]): Uint8Array {
  return tagged(0x06, Uint8Array.from(bytes));
}

function octets(value: Uint8Array): Uint8Array {
  return tagged(0x04, value);
}

function time(milliseconds: number): Uint8Array {
  const digits = new Date(milliseconds).toISOString().replace(/[-:T]/g, "").slice(0, 14);
  return tagged(0x18, Buffer.from(`${digits}Z`));
}

function name(commonName: string): Uint8Array {
  return sequence(tagged(0x31, sequence(oid(0x55, 0x04, 0x03), tagged(0x0c, Buffer.from(commonName)))));
}

const ECDSA_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const TRUE = tagged(0x01, Uint8Array.of(0xff));
const BASIC_CONSTRAINTS = oid(0x55, 0x1d, 0x13);
const CA = sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE)));
const NOT_CA = sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence()));
const CERT_SIGN = sequence(oid(0x55, 0x1d, 0x0f), TRUE, octets(tagged(0x03, Uint8Array.of(2, 0x04))));
/** The names a server here is reached by: localhost, 127.0.0.1. */
const LOCALHOST = sequence(
  oid(0x55, 0x1d, 0x11),
  octets(sequence(tagged(0x82, Buffer.from("localhost")), tagged(0x87, Uint8Array.of(127, 0, 0, 1)))),
);
