/** PKCS#12 stores (RFC 7292) and encrypted keys (RFC 8018), written as OpenSSL 3 writes them: AES, PBKDF2, SHA-256. */

import { createCipheriv, createHash, createHmac, createPrivateKey, pbkdf2Sync, randomBytes } from "node:crypto";
import { integer, octets, oid, pem, sequence, tagged } from "./der.ts";

const DATA = "1.2.840.113549.1.7.1";
/** Few: they are not kept. */
const ITERATIONS = 256;

/** A store of a key and certificates, all in PEM. */
export function pkcs12Store(
  { key, certificates }: { readonly key?: string; readonly certificates: readonly string[] },
  password: string,
): Uint8Array {
  const certBags = certificates.map((text) => {
    const value = sequence(oid("1.2.840.113549.1.9.22.1"), tagged(0xa0, octets(derOf(text))));
    return sequence(oid("1.2.840.113549.1.12.10.1.3"), tagged(0xa0, value));
  });
  const { algorithm, encrypted } = encrypt(sequence(...certBags), password);
  const content = sequence(oid(DATA), algorithm, tagged(0x80, encrypted));
  const parts = [
    sequence(oid("1.2.840.113549.1.7.6"), tagged(0xa0, sequence(integer(Uint8Array.of(0)), content))),
  ];
  if (key !== undefined) {
    const bag = sequence(oid("1.2.840.113549.1.12.10.1.2"), tagged(0xa0, shrouded(key, password)));
    parts.push(sequence(oid(DATA), tagged(0xa0, octets(sequence(bag)))));
  }
  const safe = sequence(...parts);
  const salt = randomBytes(16);
  const mac = createHmac("sha256", macKey(password, salt)).update(safe).digest();
  const digest = sequence(sequence(oid("2.16.840.1.101.3.4.2.1"), tagged(0x05)), octets(mac));
  return sequence(
    integer(Uint8Array.of(3)),
    sequence(oid(DATA), tagged(0xa0, octets(safe))),
    sequence(digest, octets(salt), integer(ITERATIONS)),
  );
}

/** A private key in PEM, encrypted, in PEM. */
export function encryptedKey(key: string, password: string): string {
  return pem("ENCRYPTED PRIVATE KEY", shrouded(key, password));
}

function shrouded(key: string, password: string): Uint8Array {
  const der = createPrivateKey(key).export({ type: "pkcs8", format: "der" });
  const { algorithm, encrypted } = encrypt(der, password);
  return sequence(algorithm, octets(encrypted));
}

function encrypt(data: Uint8Array, password: string): { algorithm: Uint8Array; encrypted: Uint8Array } {
  const [salt, iv] = [randomBytes(16), randomBytes(16)];
  const cipher = createCipheriv("aes-256-cbc", pbkdf2Sync(password, salt, ITERATIONS, 32, "sha256"), iv);
  const prf = sequence(oid("1.2.840.113549.2.9"), tagged(0x05));
  const kdf = sequence(oid("1.2.840.113549.1.5.12"), sequence(octets(salt), integer(ITERATIONS), prf));
  const scheme = sequence(oid("2.16.840.1.101.3.4.1.42"), octets(iv));
  return {
    algorithm: sequence(oid("1.2.840.113549.1.5.13"), sequence(kdf, scheme)),
    encrypted: Buffer.concat([cipher.update(data), cipher.final()]),
  };
}

/** RFC 7292 §B.2, for the one case of SHA-256, a salt of 16 bytes and a password of up to 31 letters. */
function macKey(password: string, salt: Uint8Array): Uint8Array {
  const secret = Buffer.from([...`${password}\0`].flatMap((letter) => [0, letter.charCodeAt(0)]));
  const repeated = (bytes: Uint8Array): Uint8Array =>
    Uint8Array.from({ length: 64 }, (_, i) => bytes[i % bytes.length]!);
  let digest = createHash("sha256").update(new Uint8Array(64).fill(3)).update(repeated(salt)).update(repeated(secret))
    .digest();
  for (let i = 1; i < ITERATIONS; i++) digest = createHash("sha256").update(digest).digest();
  return digest;
}

function derOf(text: string): Uint8Array {
  return Buffer.from(text.replace(/-----[^-]+-----|\s/g, ""), "base64");
}
