/**
 * Authorities and the certificates they sign, made anew at each call: no key is kept anywhere. As much of X.509 (RFC 5280
 * §4.1) as that takes.
 */

import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { integer, octets, oid, pem, sequence, set, tagged, utf8 } from "./der.ts";

/** All in PEM. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Both in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface Saying {
  /** The names and values of its subject, in order. */
  readonly subject: readonly (readonly [name: string, value: string])[];
  /** Its further names, such as `DNS:localhost` and `IP:127.0.0.1`. */
  readonly names: readonly string[];
  /** Since 1970. By default since an hour ago, for a day. */
  readonly from?: number;
  readonly to?: number;
}

export interface Authority {
  /** Its own certificate, in PEM. */
  readonly ca: string;
  issue(saying: Saying): Identity;
}

/** An authority, and a server certificate for localhost. */
export function makeCertificates(): Certificates {
  const { ca, issue } = makeAuthority();
  return { ca, ...issue({ subject: [["CN", "localhost"]], names: LOCAL }) };
}

/** The names a server here is reached by. */
export const LOCAL: readonly string[] = ["DNS:localhost", "IP:127.0.0.1"];

export function makeAuthority(name = "hawser test authority"): Authority {
  const key = newKey();
  const issuer = { name: nameOf([["CN", name]]), key };
  const period = periodOf({});
  return {
    ca: certificate(issuer, { subject: issuer.name, period, key, extensions: [CA, CERT_SIGN] }),
    issue(saying) {
      const own = newKey();
      const extensions = [NOT_CA, altNames(saying.names)];
      return {
        cert: certificate(issuer, { subject: nameOf(saying.subject), period: periodOf(saying), key: own, extensions }),
        key: own.export({ type: "pkcs8", format: "pem" }).toString(),
      };
    },
  };
}

interface Request {
  readonly subject: Uint8Array;
  readonly period: Uint8Array;
  readonly key: KeyObject;
  readonly extensions: readonly Uint8Array[];
}

function certificate(issuer: { name: Uint8Array; key: KeyObject }, request: Request): string {
  const { subject, period, key, extensions } = request;
  const spki = createPublicKey(key.export({ type: "pkcs8", format: "pem" }).toString())
    .export({ type: "spki", format: "der" });
  const tbs = sequence(
    tagged(0xa0, integer(Uint8Array.of(2))), // version 3
    integer(Uint8Array.of(1, ...randomBytes(8))),
    ECDSA_SHA256,
    issuer.name,
    period,
    subject,
    spki,
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = tagged(0x03, Uint8Array.of(0), sign("sha256", tbs, issuer.key));
  return pem("CERTIFICATE", sequence(tbs, ECDSA_SHA256, signature));
}

function newKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

function periodOf({ from = Date.now() - 3_600_000, to = Date.now() + 24 * 3_600_000 }: Partial<Saying>): Uint8Array {
  return sequence(time(from), time(to));
}

function time(milliseconds: number): Uint8Array {
  const digits = new Date(milliseconds).toISOString().replace(/[-:T]/g, "").slice(0, 14);
  return tagged(0x18, Buffer.from(`${digits}Z`));
}

const NAMES: Readonly<Record<string, string>> = { CN: "2.5.4.3", O: "2.5.4.10", OU: "2.5.4.11" };

function nameOf(pairs: Saying["subject"]): Uint8Array {
  return sequence(...pairs.map(([name, value]) => set(sequence(oid(NAMES[name] ?? name), utf8(value)))));
}

/** RFC 5280 §4.2.1.6. */
function altNames(names: readonly string[]): Uint8Array {
  const values = names.map((name) => {
    const [kind = "", value = ""] = name.split(/:(.*)/);
    if (kind === "IP") return tagged(0x87, Uint8Array.from(value.split(".").map(Number)));
    return tagged({ email: 0x81, DNS: 0x82, URI: 0x86 }[kind]!, Buffer.from(value));
  });
  return sequence(oid("2.5.29.17"), octets(sequence(...values)));
}

const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
const TRUE = tagged(0x01, Uint8Array.of(0xff));
const BASIC_CONSTRAINTS = oid("2.5.29.19");
const CA = sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE)));
const NOT_CA = sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence()));
const CERT_SIGN = sequence(oid("2.5.29.15"), TRUE, octets(tagged(0x03, Uint8Array.of(2, 0x04))));
