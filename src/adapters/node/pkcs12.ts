/**
 * PKCS#12 stores (RFC 7292): the private keys and certificates in one. Of the runtimes none reads a store without a key, which
 * is what trust stores are, and their own servers read none at all. Knows no file and no TLS.
 */

import { createDecipheriv, createHash, createHmac, pbkdf2Sync, timingSafeEqual } from "node:crypto";
import { type DerValue, integer, objectIdentifier, octets, readDer, SEQUENCE, valuesIn } from "./der.ts";

/** What is in a store, each in DER; keys as PKCS#8 (RFC 5208), not encrypted. */
export interface StoreContents {
  readonly keys: readonly Uint8Array[];
  readonly certificates: readonly Uint8Array[];
}

/**
 * Opens a store.
 *
 * @throws {Error} when it is none, is damaged, is encrypted in a way that is not read here, or the password is wrong; the
 *   message repeats nothing of either
 */
export function readPkcs12(store: Uint8Array, password: string): StoreContents {
  const [, safe, mac] = valuesIn(readDer(store));
  const [type, content] = valuesIn(safe);
  if (objectIdentifier(type) !== DATA) throw new Error("it is signed, not protected by a password");
  const authenticated = octets(valuesIn(content, EXPLICIT)[0]);
  if (mac !== undefined) checkMac(mac, authenticated, password);
  const contents = { keys: [] as Uint8Array[], certificates: [] as Uint8Array[] };
  for (const part of valuesIn(readDer(authenticated))) collect(bagsOf(part, password), password, contents);
  return contents;
}

const DATA = "1.2.840.113549.1.7.1";
const ENCRYPTED_DATA = "1.2.840.113549.1.7.6";
const BAG = "1.2.840.113549.1.12.10.1.";
const X509 = "1.2.840.113549.1.9.22.1";
const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
const TRIPLE_DES = "1.2.840.113549.1.12.1.3";
/** How often a password may be hashed, as in Java's stores: it is done at once, and more would stop the process for a minute. */
const MAX_ITERATIONS = 5_000_000;
/** How deep bags may be inside of each other (RFC 7292 §4.2.6): nobody nests them at all. */
const MAX_DEPTH = 32;
/** The tag of what is labelled by the context, and inside of it. */
const EXPLICIT = 0xa0;

const HASHES: ReadonlyMap<string, string> = new Map([
  ["1.3.14.3.2.26", "sha1"],
  ["2.16.840.1.101.3.4.2.4", "sha224"],
  ["2.16.840.1.101.3.4.2.1", "sha256"],
  ["2.16.840.1.101.3.4.2.2", "sha384"],
  ["2.16.840.1.101.3.4.2.3", "sha512"],
  ["1.2.840.113549.2.7", "sha1"],
  ["1.2.840.113549.2.8", "sha224"],
  ["1.2.840.113549.2.9", "sha256"],
  ["1.2.840.113549.2.10", "sha384"],
  ["1.2.840.113549.2.11", "sha512"],
]);

/** Each with the bytes of its key. */
const CIPHERS: ReadonlyMap<string, readonly [name: string, keyBytes: number]> = new Map([
  ["2.16.840.1.101.3.4.1.2", ["aes-128-cbc", 16]],
  ["2.16.840.1.101.3.4.1.22", ["aes-192-cbc", 24]],
  ["2.16.840.1.101.3.4.1.42", ["aes-256-cbc", 32]],
  ["1.2.840.113549.3.7", ["des-ede3-cbc", 24]],
]);

/** The bags of one part of a store, which may be encrypted as a whole. */
function bagsOf(part: DerValue, password: string): DerValue[] {
  const [type, content] = valuesIn(part);
  const [value] = valuesIn(content, EXPLICIT);
  switch (objectIdentifier(type)) {
    case DATA:
      return valuesIn(readDer(octets(value)));
    case ENCRYPTED_DATA: {
      const [, algorithm, encrypted] = valuesIn(valuesIn(value)[1]);
      return valuesIn(readDer(decrypt(algorithm, octets(encrypted), password)));
    }
    default:
      throw new Error("a part of it is encrypted by a public key, not by a password");
  }
}

function collect(
  bags: readonly DerValue[],
  password: string,
  to: { keys: Uint8Array[]; certificates: Uint8Array[] },
  depth = 0,
): void {
  if (depth > MAX_DEPTH) throw new Error("it has bags inside of bags without end");
  for (const bag of bags) {
    const [type, content] = valuesIn(bag);
    const id = objectIdentifier(type);
    const [value] = valuesIn(content, EXPLICIT);
    if (id === `${BAG}1`) to.keys.push(encoded(value));
    if (id === `${BAG}2`) {
      const [algorithm, encrypted] = valuesIn(value);
      to.keys.push(decrypt(algorithm, octets(encrypted), password));
    }
    if (id === `${BAG}3`) {
      const [kind, certificate] = valuesIn(value);
      if (objectIdentifier(kind) === X509) to.certificates.push(octets(valuesIn(certificate, EXPLICIT)[0]));
    }
    if (id === `${BAG}6`) collect(valuesIn(value), password, to, depth + 1);
  }
}

/** A sequence as it was encoded, with a length of its own. */
function encoded(value: DerValue | undefined): Uint8Array {
  if (value?.tag !== SEQUENCE) throw new Error("it is not encoded as it has to be");
  const { length } = value.contents;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.of(SEQUENCE, ...size, ...value.contents);
}

/** §4: it is by this that a wrong password is told. */
function checkMac(mac: DerValue, content: Uint8Array, password: string): void {
  const [digest, salt, iterations] = valuesIn(mac);
  const [algorithm, expected] = valuesIn(digest);
  const hash = known(HASHES, valuesIn(algorithm)[0]);
  const count = iterations === undefined ? 1 : checkIterations(iterations);
  const key = derive(hash, password, octets(salt), count, 3, createHash(hash).digest().length);
  const actual = createHmac(hash, key).update(content).digest();
  const same = octets(expected);
  if (actual.length === same.length && timingSafeEqual(actual, same)) return;
  throw new Error("mac verify failure: the password is wrong, or the file is damaged");
}

function decrypt(algorithm: DerValue | undefined, encrypted: Uint8Array, password: string): Uint8Array {
  const [id, parameters] = valuesIn(algorithm);
  const { cipher, key, iv } = objectIdentifier(id) === PBES2
    ? scheme2(parameters, password)
    : scheme1(id, parameters, password);
  const decipher = createDecipheriv(cipher, key, iv);
  try {
    const start = decipher.update(encrypted);
    return new Uint8Array(Buffer.concat([start, decipher.final()]));
  } catch (cause) {
    throw new Error("bad decrypt: the password is wrong, or the file is damaged", { cause });
  }
}

interface Cipher {
  readonly cipher: string;
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

/** RFC 8018 §6.2. */
function scheme2(parameters: DerValue | undefined, password: string): Cipher {
  const [derivation, encryption] = valuesIn(parameters);
  const [kdf, kdfParameters] = valuesIn(derivation);
  if (objectIdentifier(kdf) !== PBKDF2) throw new Error(`it is encrypted by ${objectIdentifier(kdf)}, not read here`);
  const [salt, iterations, ...rest] = valuesIn(kdfParameters);
  // Behind an optional length of the key, which its cipher has anyway.
  const prf = rest.find(({ tag }) => tag === SEQUENCE);
  const hash = prf === undefined ? "sha1" : known(HASHES, valuesIn(prf)[0]);
  const [id, iv] = valuesIn(encryption);
  const [cipher, keyBytes] = known(CIPHERS, id);
  return {
    cipher,
    key: pbkdf2Sync(password, octets(salt), checkIterations(iterations), keyBytes, hash),
    iv: octets(iv),
  };
}

/** RFC 7292 §C, as far as OpenSSL still does it: stores of before 2021. */
function scheme1(id: DerValue | undefined, parameters: DerValue | undefined, password: string): Cipher {
  if (objectIdentifier(id) !== TRIPLE_DES) {
    throw new Error(`it is encrypted by ${objectIdentifier(id)}, which is out of use: write it anew with AES`);
  }
  const [salt, iterations] = valuesIn(parameters);
  const from = (purpose: number, size: number): Uint8Array =>
    derive("sha1", password, octets(salt), checkIterations(iterations), purpose, size);
  return { cipher: "des-ede3-cbc", key: from(1, 24), iv: from(2, 8) };
}

function checkIterations(value: DerValue | undefined): number {
  const iterations = integer(value);
  if (iterations <= MAX_ITERATIONS) return iterations;
  throw new Error(`its password is hashed more than ${MAX_ITERATIONS} times`);
}

function known<Value>(names: ReadonlyMap<string, Value>, value: DerValue | undefined): Value {
  const id = objectIdentifier(value);
  const name = names.get(id);
  if (name === undefined) throw new Error(`it is protected by ${id}, which is not read here`);
  return name;
}

/** RFC 7292 §B.2: `size` bytes for a purpose. */
function derive(
  hash: string,
  password: string,
  salt: Uint8Array,
  iterations: number,
  purpose: number,
  size: number,
): Uint8Array {
  const block = hash === "sha384" || hash === "sha512" ? 128 : 64;
  // §B.1: in big-endian UTF-16, with a zero behind.
  const secret = Uint8Array.from([...units(password), 0].flatMap((unit) => [unit >> 8, unit & 0xff]));
  const input = Uint8Array.of(...filled(salt, block), ...filled(secret, block));
  const result: number[] = [];
  while (result.length < size) {
    let digest: Uint8Array = createHash(hash).update(new Uint8Array(block).fill(purpose)).update(input).digest();
    for (let i = 1; i < iterations; i++) digest = createHash(hash).update(digest).digest();
    result.push(...digest);
    const added = filled(digest, block, block);
    for (let start = 0; start < input.length; start += block) {
      let carry = 1;
      for (let i = block - 1; i >= 0; i--) {
        carry += input[start + i]! + added[i]!;
        input[start + i] = carry & 0xff;
        carry >>= 8;
      }
    }
  }
  return Uint8Array.from(result.slice(0, size));
}

function units(text: string): number[] {
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
}

/** `bytes` over and over, up to whole blocks, or to `size`. */
function filled(bytes: Uint8Array, block: number, size: number = Math.ceil(bytes.length / block) * block): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => bytes[i % bytes.length]!);
}
